package main

import (
	"fmt"
	"io"
	"log"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

const (
	members          = 3
	tickInterval     = 100 * time.Millisecond
	compactionBehind = 16 * 1024
)

// runEtcdRaft drives etcd's RawNodes as a host of many groups would: a goroutine a member takes in all that waits, sends
// a leader's messages, writes one batch with one fdatasync for all groups, sends the rest, applies. Messages go between
// members as they are, without being encoded. The clients live in the goroutine of their group's leader.
func runEtcdRaft(options Options, meter *Meter) error {
	raft.SetLogger(&raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)})
	cluster := make([]*member, members)
	for at := range cluster {
		created, err := newMember(uint64(at+1), options, meter)
		if err != nil {
			return err
		}
		cluster[at] = created
	}
	failed := make(chan error, members)
	for _, each := range cluster {
		each.cluster = cluster
		go func() { failed <- each.run() }()
	}
	for group := range options.groups {
		cluster[group%members].post(envelope{group: group, campaign: true})
	}
	done := make(chan struct{})
	go func() {
		meter.Run()
		close(done)
	}()
	select {
	case err := <-failed:
		return err
	case <-done:
	}
	return awaitEqual(cluster, meter)
}

// awaitEqual stops the clients, whose figures it gathers, and demands that all members have applied the same.
func awaitEqual(cluster []*member, meter *Meter) error {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		equal := true
		for group := range cluster[0].groups {
			for _, each := range cluster {
				same := each.groups[group].applied.Load() == cluster[0].groups[group].applied.Load()
				equal = equal && same && each.groups[group].inFlight.Load() == 0
			}
		}
		if !equal {
			continue
		}
		for _, each := range cluster {
			for _, group := range each.groups {
				meter.Add(&group.latencies)
			}
		}
		return nil
	}
	return fmt.Errorf("the members did not apply the same within 20 seconds of the run's end")
}

// envelope is what waits in a member's inbox: a message, or the wish that it campaigns.
type envelope struct {
	group    int
	message  *raftpb.Message
	campaign bool
}

type member struct {
	id      uint64
	options Options
	meter   *Meter
	cluster []*member
	groups  []*group
	wal     *Wal

	mutex   sync.Mutex
	filled  *sync.Cond
	inbox   []envelope
	dueTick bool
}

type group struct {
	node    *raft.RawNode
	storage *raft.MemoryStorage
	leads   bool
	busy    bool
	// The state machine: how many commands and bytes it has seen.
	commands, bytes uint64
	applied         atomic.Uint64
	compacted       uint64
	// The client, where this member leads. Proposals end in the order in which they were made.
	inFlight  atomic.Int64
	started   []time.Time
	latencies Histogram
}

func newMember(id uint64, options Options, meter *Meter) (*member, error) {
	wal, err := OpenWal(options.folder, fmt.Sprintf("member-%d", id), options.noSync)
	if err != nil {
		return nil, err
	}
	created := &member{id: id, options: options, meter: meter, wal: wal}
	created.filled = sync.NewCond(&created.mutex)
	for range options.groups {
		storage := raft.NewMemoryStorage()
		state := &raftpb.ConfState{Voters: []uint64{1, 2, 3}}
		metadata := &raftpb.SnapshotMetadata{Index: new(uint64(1)), Term: new(uint64(1)), ConfState: state}
		if err := storage.ApplySnapshot(&raftpb.Snapshot{Metadata: metadata}); err != nil {
			return nil, err
		}
		node, err := raft.NewRawNode(&raft.Config{
			ID: id, ElectionTick: 10, HeartbeatTick: 1, Storage: storage, Applied: 1,
			MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 256, PreVote: true, CheckQuorum: true,
		})
		if err != nil {
			return nil, err
		}
		created.groups = append(created.groups, &group{node: node, storage: storage})
	}
	return created, nil
}

func (m *member) post(mail ...envelope) {
	m.mutex.Lock()
	m.inbox = append(m.inbox, mail...)
	m.mutex.Unlock()
	m.filled.Signal()
}

func (m *member) run() error {
	go func() {
		for range time.Tick(tickInterval) {
			m.mutex.Lock()
			m.dueTick = true
			m.mutex.Unlock()
			m.filled.Signal()
		}
	}()
	var mail []envelope
	for {
		m.mutex.Lock()
		for len(m.inbox) == 0 && !m.dueTick {
			m.filled.Wait()
		}
		mail, m.inbox = m.inbox, mail[:0]
		tick := m.dueTick
		m.dueTick = false
		m.mutex.Unlock()
		if err := m.takeIn(mail, tick); err != nil {
			return err
		}
		for m.anyReady() {
			if err := m.turn(); err != nil {
				return err
			}
		}
	}
}

func (m *member) takeIn(mail []envelope, tick bool) error {
	for _, each := range mail {
		group := m.groups[each.group]
		if each.campaign {
			if err := group.node.Campaign(); err != nil {
				return err
			}
		} else if err := group.node.Step(each.message); err != nil && err != raft.ErrProposalDropped {
			return err
		}
		group.busy = true
	}
	if tick {
		for _, group := range m.groups {
			group.node.Tick()
			group.busy = true
		}
	}
	return nil
}

func (m *member) anyReady() bool {
	found := false
	for _, group := range m.groups {
		group.busy = group.busy && group.node.HasReady()
		found = found || group.busy
	}
	return found
}

// turn drains all groups that have something, with one write and one sync for all of them.
func (m *member) turn() error {
	readies := make([]raft.Ready, len(m.groups))
	outgoing := make([][]envelope, members)
	mustSync := false
	for at, group := range m.groups {
		if !group.busy {
			continue
		}
		ready := group.node.Ready()
		readies[at] = ready
		if ready.SoftState != nil {
			group.leads = ready.SoftState.RaftState == raft.StateLeader
		}
		if group.leads {
			collect(outgoing, at, ready.Messages)
		}
		if !raft.IsEmptyHardState(ready.HardState) {
			m.wal.AddHardState(at, ready.HardState)
		}
		for _, entry := range ready.Entries {
			m.wal.AddEntry(at, entry)
		}
		mustSync = mustSync || ready.MustSync
	}
	m.send(outgoing)
	if err := m.wal.Write(mustSync); err != nil {
		return err
	}
	for at, group := range m.groups {
		if !group.busy {
			continue
		}
		ready := readies[at]
		if !raft.IsEmptyHardState(ready.HardState) {
			if err := group.storage.SetHardState(ready.HardState); err != nil {
				return err
			}
		}
		if !raft.IsEmptySnap(ready.Snapshot) {
			return fmt.Errorf("a snapshot was sent, though nothing is compacted that a member lacks")
		}
		if err := group.storage.Append(ready.Entries); err != nil {
			return err
		}
		if !group.leads {
			collect(outgoing, at, ready.Messages)
		}
		m.apply(at, ready.CommittedEntries)
		group.node.Advance(ready)
		if err := m.compact(at); err != nil {
			return err
		}
		m.propose(at)
	}
	m.send(outgoing)
	return nil
}

func collect(outgoing [][]envelope, group int, messages []*raftpb.Message) {
	for _, message := range messages {
		to := message.GetTo() - 1
		outgoing[to] = append(outgoing[to], envelope{group: group, message: message})
	}
}

func (m *member) send(outgoing [][]envelope) {
	for to, mail := range outgoing {
		if len(mail) > 0 {
			m.cluster[to].post(mail...)
		}
		outgoing[to] = nil
	}
}

func (m *member) apply(at int, entries []*raftpb.Entry) {
	group := m.groups[at]
	for _, entry := range entries {
		if len(entry.GetData()) > 0 {
			group.commands++
			group.bytes += uint64(len(entry.GetData()))
			if len(group.started) > 0 {
				m.meter.Record(&group.latencies, group.started[0])
				group.started = group.started[1:]
				group.inFlight.Add(-1)
			}
		}
		group.applied.Store(entry.GetIndex())
	}
}

// compact drops from memory what every member has applied.
func (m *member) compact(at int) error {
	group := m.groups[at]
	reached := group.applied.Load()
	for _, other := range m.cluster {
		reached = min(reached, other.groups[at].applied.Load())
	}
	if reached < group.compacted+compactionBehind {
		return nil
	}
	group.compacted = reached
	return group.storage.Compact(reached)
}

// propose fills the group's window again, as one message.
func (m *member) propose(at int) {
	group := m.groups[at]
	free := m.options.window - len(group.started)
	if !group.leads || free == 0 || m.meter.Over() {
		return
	}
	now := time.Now()
	entries := make([]*raftpb.Entry, free)
	for each := range entries {
		entries[each] = &raftpb.Entry{Data: make([]byte, m.options.valueBytes)}
	}
	message := &raftpb.Message{Type: raftpb.MsgProp.Enum(), From: new(m.id), Entries: entries}
	if err := group.node.Step(message); err != nil {
		return
	}
	for range entries {
		group.started = append(group.started, now)
	}
	group.inFlight.Add(int64(free))
	group.busy = true
}
