package main

import (
	"fmt"
	"math/bits"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	phaseWarmUp = iota
	phaseMeasured
	phaseOver
)

// Meter says when to measure and gathers what the clients have measured.
type Meter struct {
	options   Options
	phase     atomic.Int32
	mutex     sync.Mutex
	all       Histogram
	seconds   float64
	processor float64
}

// Result is what the program prints.
type Result struct {
	Version          string  `json:"version"`
	Operations       uint64  `json:"operations"`
	Seconds          float64 `json:"seconds"`
	P50Millis        float64 `json:"p50Millis"`
	P99Millis        float64 `json:"p99Millis"`
	ProcessorSeconds float64 `json:"processorSeconds"`
}

func NewMeter(options Options) *Meter {
	return &Meter{options: options}
}

// Run blocks while clients that look at the phase do their work: through the warm-up and the time that counts.
func (meter *Meter) Run() {
	time.Sleep(meter.options.warmUpTime())
	fmt.Println("measuring")
	began, processor := time.Now(), processorSeconds()
	meter.phase.Store(phaseMeasured)
	time.Sleep(meter.options.measuredTime())
	meter.phase.Store(phaseOver)
	meter.seconds, meter.processor = time.Since(began).Seconds(), processorSeconds()-processor
}

func (meter *Meter) Over() bool {
	return meter.phase.Load() == phaseOver
}

// Record counts a proposal that has ended now into the histogram of its client.
func (meter *Meter) Record(histogram *Histogram, started time.Time) {
	if meter.phase.Load() == phaseMeasured {
		histogram.Record(time.Since(started))
	}
}

func (meter *Meter) Add(histogram *Histogram) {
	meter.mutex.Lock()
	defer meter.mutex.Unlock()
	meter.all.Add(histogram)
}

func (meter *Meter) Result() Result {
	return Result{
		Operations:       meter.all.total,
		Seconds:          meter.seconds,
		P50Millis:        meter.all.QuantileMillis(0.5),
		P99Millis:        meter.all.QuantileMillis(0.99),
		ProcessorSeconds: meter.processor,
	}
}

// Histogram has 16 buckets for each power of two of nanoseconds, so that a quantile is at most 6 % off.
type Histogram struct {
	counts [64 * 16]uint64
	total  uint64
}

func (histogram *Histogram) Record(elapsed time.Duration) {
	nanos := uint64(max(elapsed, 16))
	exponent := bits.Len64(nanos) - 1
	histogram.counts[exponent*16+int(nanos>>(exponent-4)&15)]++
	histogram.total++
}

func (histogram *Histogram) Add(other *Histogram) {
	for at, count := range other.counts {
		histogram.counts[at] += count
	}
	histogram.total += other.total
}

// QuantileMillis is the upper end of the bucket that holds the quantile.
func (histogram *Histogram) QuantileMillis(part float64) float64 {
	left := uint64(float64(histogram.total) * part)
	for at, count := range histogram.counts {
		if left < count {
			exponent, step := at/16, at%16
			return float64(uint64(17+step)<<exponent) / 16 / 1e6
		}
		left -= count
	}
	return 0
}

func processorSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	seconds := func(time syscall.Timeval) float64 { return float64(time.Sec) + float64(time.Usec)/1e6 }
	return seconds(usage.Utime) + seconds(usage.Stime)
}
