// Peers of Ashlar's Raft, measured from the inside: `go-raft KIND [flags]` runs one workload for a while and prints one
// line of JSON. Three kinds: etcd-raft and dragonboat run three members in this process; etcd-load is a client of an
// etcd cluster that runs already.
//
// A line "measuring" on standard output tells when the warm-up is over.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"
)

// Options of one run; the same flags as bench/raft/in-process.ts has.
type Options struct {
	groups     int
	valueBytes int
	window     int
	seconds    float64
	warmUp     float64
	folder     string
	noSync     bool
	logStore   string
	shards     uint64
	endpoints  []string
	clients    int
}

func main() {
	kinds := map[string]func(Options, *Meter) error{
		"etcd-raft":  runEtcdRaft,
		"dragonboat": runDragonboat,
		"etcd-load":  runEtcdLoad,
	}
	modules := map[string]string{
		"etcd-raft":  "go.etcd.io/raft/v3",
		"dragonboat": "github.com/lni/dragonboat/v4",
		"etcd-load":  "go.etcd.io/etcd/client/v3",
	}
	if len(os.Args) < 2 || kinds[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: go-raft etcd-raft|dragonboat|etcd-load [flags]")
		os.Exit(2)
	}
	kind := os.Args[1]
	options := parse(os.Args[2:])
	meter := NewMeter(options)
	if err := kinds[kind](options, meter); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	result := meter.Result()
	result.Version = versionOf(modules[kind])
	line, err := json.Marshal(result)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(string(line))
	// What still runs has nothing to lose: the folder is the caller's to remove.
	os.Exit(0)
}

func parse(arguments []string) Options {
	var options Options
	var endpoints string
	flags := flag.NewFlagSet("go-raft", flag.ExitOnError)
	flags.IntVar(&options.groups, "groups", 1, "Raft groups")
	flags.IntVar(&options.valueBytes, "bytes", 16, "bytes of a proposal or value")
	flags.IntVar(&options.window, "window", 1024, "proposals in flight: of each group, of each client")
	flags.Float64Var(&options.seconds, "seconds", 5, "how long to measure")
	flags.Float64Var(&options.warmUp, "warm-up", 2, "seconds before that")
	flags.StringVar(&options.folder, "folder", "", "an empty folder for logs")
	flags.BoolVar(&options.noSync, "unsafe-no-sync", false, "etcd-raft: never wait for the disk")
	flags.StringVar(&options.logStore, "log-store", "pebble", "dragonboat: pebble (its default) or tan")
	flags.Uint64Var(&options.shards, "shards", 1, "dragonboat: workers of a host that step groups, and its log stores")
	flags.StringVar(&endpoints, "endpoints", "", "etcd-load: host:port, separated by commas")
	flags.IntVar(&options.clients, "clients", 16, "etcd-load: connections")
	_ = flags.Parse(arguments)
	options.endpoints = strings.Split(endpoints, ",")
	return options
}

func (options Options) warmUpTime() time.Duration {
	return time.Duration(options.warmUp * float64(time.Second))
}

func (options Options) measuredTime() time.Duration {
	return time.Duration(options.seconds * float64(time.Second))
}

func versionOf(module string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dependency := range info.Deps {
			if dependency.Path == module {
				return dependency.Version
			}
		}
	}
	return "unknown"
}
