package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const keysOfWorker = 16

// runEtcdLoad puts values into an etcd cluster that runs: `clients` connections, spread over the members, with `window`
// puts in flight on each. Every worker writes keys of 8 bytes of its own in turn.
func runEtcdLoad(options Options, meter *Meter) error {
	var workers sync.WaitGroup
	failed := make(chan error, options.clients*options.window)
	for at := range options.clients {
		client, err := clientv3.New(clientv3.Config{
			Endpoints:   []string{options.endpoints[at%len(options.endpoints)]},
			DialTimeout: 10 * time.Second,
		})
		if err != nil {
			return err
		}
		for lane := range options.window {
			workers.Add(1)
			go func() {
				defer workers.Done()
				if err := keepPutting(client, at*options.window+lane, options, meter); err != nil {
					failed <- err
				}
			}()
		}
	}
	meter.Run()
	workers.Wait()
	select {
	case err := <-failed:
		return fmt.Errorf("a put failed: %w", err)
	default:
		return nil
	}
}

func keepPutting(client *clientv3.Client, worker int, options Options, meter *Meter) error {
	value := string(make([]byte, options.valueBytes))
	key := make([]byte, 8)
	var histogram Histogram
	for count := 0; !meter.Over(); count++ {
		binary.BigEndian.PutUint64(key, uint64(worker*keysOfWorker+count%keysOfWorker))
		started := time.Now()
		if _, err := client.Put(context.Background(), string(key), value); err != nil {
			return err
		}
		meter.Record(&histogram, started)
	}
	meter.Add(&histogram)
	return nil
}
