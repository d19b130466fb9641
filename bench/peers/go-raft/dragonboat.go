package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lni/dragonboat/v4"
	"github.com/lni/dragonboat/v4/config"
	"github.com/lni/dragonboat/v4/logger"
	channels "github.com/lni/dragonboat/v4/plugin/chan"
	"github.com/lni/dragonboat/v4/plugin/tan"
	"github.com/lni/dragonboat/v4/statemachine"
)

const (
	proposalTimeout = 30 * time.Second
	electionTimeout = 60 * time.Second
	// Of each log store. The default of 128 MiB with 16 stores a host fills 34 GB of disk within seconds.
	writeBufferBytes = 64 << 20
)

// runDragonboat starts three NodeHosts over Dragonboat's transport of Go channels. A goroutine a group keeps its window
// full on the host that leads the group and waits for results in order.
func runDragonboat(options Options, meter *Meter) error {
	for _, name := range []string{"raft", "rsm", "transport", "grpc", "raftpb", "dragonboat", "logdb", "tan", "config", "utils", "settings", "order", "registry", "server", "pebblekv", "id"} {
		logger.GetLogger(name).SetLevel(logger.CRITICAL)
	}
	applied := make([]counter, options.groups*members)
	hosts := make([]*dragonboat.NodeHost, members)
	addresses := map[uint64]dragonboat.Target{}
	for at := range hosts {
		addresses[uint64(at+1)] = fmt.Sprintf("member-%d:1", at+1)
	}
	for at := range hosts {
		host, err := startHost(options, uint64(at+1), addresses[uint64(at+1)])
		if err != nil {
			return err
		}
		hosts[at] = host
		for group := range options.groups {
			machine := &applied[group*members+at]
			create := func(uint64, uint64) statemachine.IStateMachine { return machine }
			if err := host.StartReplica(addresses, false, create, groupConfig(group, at)); err != nil {
				return err
			}
		}
	}
	leaders := make([]*dragonboat.NodeHost, options.groups)
	for group := range leaders {
		leader, err := awaitLeader(hosts, uint64(group+1))
		if err != nil {
			return err
		}
		leaders[group] = leader
	}
	var clients sync.WaitGroup
	failed := make(chan error, options.groups)
	for group, leader := range leaders {
		clients.Add(1)
		go func() {
			defer clients.Done()
			if err := keepProposing(leader, uint64(group+1), options, meter); err != nil {
				failed <- err
			}
		}()
	}
	meter.Run()
	clients.Wait()
	select {
	case err := <-failed:
		return err
	default:
	}
	return awaitEqualCounters(applied)
}

func startHost(options Options, id uint64, address string) (*dragonboat.NodeHost, error) {
	folder := filepath.Join(options.folder, fmt.Sprintf("host-%d", id))
	expert := config.GetDefaultExpertConfig()
	expert.TransportFactory = &transportFactory{}
	expert.Engine.ExecShards, expert.LogDB.Shards = options.shards, options.shards
	expert.LogDB.KVWriteBufferSize = writeBufferBytes
	if options.logStore == "tan" {
		expert.LogDBFactory = tan.Factory
	}
	return dragonboat.NewNodeHost(config.NodeHostConfig{
		NodeHostDir:    folder,
		WALDir:         folder,
		RTTMillisecond: 10,
		RaftAddress:    address,
		Expert:         expert,
	})
}

// transportFactory takes any address for a valid one: the transport of channels only compares them.
type transportFactory struct {
	channels.ChanTransportFactory
}

func (*transportFactory) Validate(string) bool {
	return true
}

func groupConfig(group int, at int) config.Config {
	return config.Config{
		ReplicaID: uint64(at + 1), ShardID: uint64(group + 1),
		ElectionRTT: 100, HeartbeatRTT: 10, PreVote: true, CheckQuorum: true,
		// Without snapshots its log would only grow.
		SnapshotEntries: 500_000, CompactionOverhead: 10_000,
	}
}

func awaitLeader(hosts []*dragonboat.NodeHost, group uint64) (*dragonboat.NodeHost, error) {
	for deadline := time.Now().Add(electionTimeout); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		for at, host := range hosts {
			leader, _, known, err := host.GetLeaderID(group)
			if err == nil && known && leader == uint64(at+1) {
				return host, nil
			}
		}
	}
	return nil, fmt.Errorf("group %d has no leader after %v", group, electionTimeout)
}

type proposal struct {
	state   *dragonboat.RequestState
	started time.Time
}

// keepProposing is one client with a window. A proposal that the host refuses, being busy, is made again; one that was
// dropped because the leader changed is made again through the same host, which forwards it.
func keepProposing(host *dragonboat.NodeHost, group uint64, options Options, meter *Meter) error {
	session := host.GetNoOPSession(group)
	command := make([]byte, options.valueBytes)
	waiting := make(chan proposal, options.window)
	var histogram Histogram
	for {
		for len(waiting) < options.window && !meter.Over() {
			started := time.Now()
			state, err := host.Propose(session, command, proposalTimeout)
			if err == dragonboat.ErrSystemBusy {
				break
			}
			if err != nil {
				return err
			}
			waiting <- proposal{state, started}
		}
		if len(waiting) == 0 {
			if meter.Over() {
				meter.Add(&histogram)
				return nil
			}
			time.Sleep(time.Millisecond)
			continue
		}
		first := <-waiting
		result := <-first.state.ResultC()
		switch {
		case result.Completed():
			meter.Record(&histogram, first.started)
		case result.Dropped():
		default:
			return fmt.Errorf("a proposal of group %d ended without success: %+v", group, result)
		}
		first.state.Release()
	}
}

func awaitEqualCounters(counters []counter) error {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		equal := true
		for at := 0; at < len(counters); at += members {
			for replica := 1; replica < members; replica++ {
				equal = equal && counters[at].commands.Load() == counters[at+replica].commands.Load()
			}
		}
		if equal {
			return nil
		}
	}
	return fmt.Errorf("the members did not apply the same within 20 seconds of the run's end")
}

// counter is the state machine: how many commands and bytes it has seen.
type counter struct {
	commands atomic.Uint64
	bytes    uint64
}

func (machine *counter) Update(entry statemachine.Entry) (statemachine.Result, error) {
	machine.bytes += uint64(len(entry.Cmd))
	return statemachine.Result{Value: machine.commands.Add(1)}, nil
}

func (machine *counter) Lookup(any) (any, error) {
	return machine.commands.Load(), nil
}

func (machine *counter) SaveSnapshot(to io.Writer, _ statemachine.ISnapshotFileCollection, _ <-chan struct{}) error {
	state := binary.LittleEndian.AppendUint64(nil, machine.commands.Load())
	_, err := to.Write(binary.LittleEndian.AppendUint64(state, machine.bytes))
	return err
}

func (machine *counter) RecoverFromSnapshot(from io.Reader, _ []statemachine.SnapshotFile, _ <-chan struct{}) error {
	state := make([]byte, 16)
	if _, err := io.ReadFull(from, state); err != nil {
		return err
	}
	machine.commands.Store(binary.LittleEndian.Uint64(state))
	machine.bytes = binary.LittleEndian.Uint64(state[8:])
	return nil
}

func (machine *counter) Close() error {
	return nil
}
