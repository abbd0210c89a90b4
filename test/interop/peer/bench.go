package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hibiken/asynq"
	"golang.org/x/sys/unix"
)

// benchJob is what a process of the benchmark does; its fields are those of test/bench/jobs.ts.
type benchJob struct {
	Role         string         `json:"role"`
	RedisPort    int            `json:"redisPort"`
	Tasks        int            `json:"tasks"`
	Warmup       int            `json:"warmup"`
	InFlight     int            `json:"inFlight"`
	PayloadBytes int            `json:"payloadBytes"`
	QueueNames   []string       `json:"-"`
	UniqueForSec int            `json:"uniqueForSec"`
	Concurrency  int            `json:"concurrency"`
	HandlerMs    int            `json:"handlerMs"`
	Priorities   map[string]int `json:"-"`
	Strict       bool           `json:"strict"`
	FailOneIn    int            `json:"failOneIn"`

	Queues json.RawMessage `json:"queues"`
}

type told struct {
	Event    string   `json:"event"`
	Ms       float64  `json:"ms,omitempty"`
	CPUUs    int64    `json:"cpuUs,omitempty"`
	RSSMiB   float64  `json:"rssMiB,omitempty"`
	Runs     int64    `json:"runs"`
	Repeated int64    `json:"repeated"`
	P50Us    *float64 `json:"p50Us,omitempty"`
	P99Us    *float64 `json:"p99Us,omitempty"`
	AfterUs  float64  `json:"afterUs,omitempty"`
}

func bench(config []byte) error {
	var job benchJob
	if err := json.Unmarshal(config, &job); err != nil {
		return err
	}
	redis := asynq.RedisClientOpt{Addr: fmt.Sprintf("127.0.0.1:%d", job.RedisPort)}
	lines := bufio.NewScanner(os.Stdin)
	switch job.Role {
	case "produce":
		if err := json.Unmarshal(job.Queues, &job.QueueNames); err != nil {
			return err
		}
		return benchProduce(job, redis, lines)
	case "work":
		if err := json.Unmarshal(job.Queues, &job.Priorities); err != nil {
			return err
		}
		return benchWork(job, redis, lines)
	case "tick":
		return benchTick(redis, lines)
	case "listen":
		return benchListen(job, redis, lines)
	}
	return fmt.Errorf("no such role: %s", job.Role)
}

func benchProduce(job benchJob, redis asynq.RedisClientOpt, lines *bufio.Scanner) error {
	client := asynq.NewClient(redis)
	defer client.Close()
	var next atomic.Int64
	send := func(until int) ([]float64, error) {
		var wait sync.WaitGroup
		latencies := make([][]float64, job.InFlight)
		failures := make(chan error, job.InFlight)
		for line := range job.InFlight {
			wait.Add(1)
			go func() {
				defer wait.Done()
				for {
					number := int(next.Add(1)) - 1
					if number >= until {
						next.Add(-1)
						return
					}
					given := []asynq.Option{asynq.Queue(job.QueueNames[number%len(job.QueueNames)])}
					if job.UniqueForSec > 0 {
						given = append(given, asynq.Unique(time.Duration(job.UniqueForSec)*time.Second))
					}
					payload := fmt.Sprintf("#%d#", number)
					payload += strings.Repeat("x", max(0, job.PayloadBytes-len(payload)))
					started := time.Now()
					if _, err := client.Enqueue(asynq.NewTask("bench", []byte(payload)), given...); err != nil {
						failures <- err
						return
					}
					latencies[line] = append(latencies[line], float64(time.Since(started).Nanoseconds())/1000)
				}
			}()
		}
		wait.Wait()
		select {
		case err := <-failures:
			return nil, err
		default:
		}
		var all []float64
		for _, some := range latencies {
			all = append(all, some...)
		}
		sort.Float64s(all)
		return all, nil
	}
	say(told{Event: "ready"})
	lines.Scan()
	if _, err := send(job.Warmup); err != nil {
		return err
	}
	end := benchBegin()
	latencies, err := send(job.Warmup + job.Tasks)
	if err != nil {
		return err
	}
	end(told{P50Us: &latencies[len(latencies)/2], P99Us: &latencies[len(latencies)*99/100]})
	say(told{Event: "closed"})
	return nil
}

func benchWork(job benchJob, redis asynq.RedisClientOpt, lines *bufio.Scanner) error {
	seen := make([]atomic.Int32, job.Warmup+job.Tasks)
	var runs, repeated, succeeded atomic.Int64
	end := make(chan func(told), 1)
	done := make(chan struct{})
	say(told{Event: "ready"})
	lines.Scan()
	server := asynq.NewServer(redis, asynq.Config{
		Concurrency:    job.Concurrency,
		Queues:         job.Priorities,
		StrictPriority: job.Strict,
		RetryDelayFunc: func(int, error, *asynq.Task) time.Duration { return 0 },
		LogLevel:       asynq.FatalLevel,
	})
	err := server.Start(asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error {
		runs.Add(1)
		number := benchNumber(task.Payload())
		before := seen[number].Add(1) - 1
		fails := job.FailOneIn > 0 && number%job.FailOneIn == 0
		if fails && before == 0 {
			return errors.New("the first time it fails")
		}
		if before > 1 || (before > 0 && !fails) {
			repeated.Add(1)
			return nil
		}
		if job.HandlerMs > 0 {
			time.Sleep(time.Duration(job.HandlerMs) * time.Millisecond)
		}
		switch succeeded.Add(1) {
		case int64(job.Warmup):
			end <- benchBegin()
		case int64(job.Warmup + job.Tasks):
			close(done)
		}
		return nil
	}))
	if err != nil {
		return err
	}
	<-done
	(<-end)(told{Runs: runs.Load(), Repeated: repeated.Load()})
	server.Shutdown()
	say(told{Event: "closed"})
	return nil
}

func benchTick(redis asynq.RedisClientOpt, lines *bufio.Scanner) error {
	client := asynq.NewClient(redis)
	defer client.Close()
	say(told{Event: "ready"})
	for lines.Scan() {
		if _, err := client.Enqueue(asynq.NewTask("bench", fmt.Appendf(nil, "#%d#", monotonicNs()))); err != nil {
			return err
		}
	}
	return nil
}

func benchListen(job benchJob, redis asynq.RedisClientOpt, lines *bufio.Scanner) error {
	server := asynq.NewServer(redis, asynq.Config{Concurrency: job.Concurrency, LogLevel: asynq.FatalLevel})
	err := server.Start(asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error {
		say(told{Event: "started", AfterUs: float64(monotonicNs()-int64(benchNumber(task.Payload()))) / 1000})
		return nil
	}))
	if err != nil {
		return err
	}
	say(told{Event: "ready"})
	for lines.Scan() {
	}
	server.Shutdown()
	return nil
}

// benchBegin measures from now until what it answers is called.
func benchBegin() func(told) {
	say(told{Event: "warm"})
	cpu := cpuUs()
	started := time.Now()
	return func(counts told) {
		counts.Event = "done"
		counts.Ms = float64(time.Since(started).Microseconds()) / 1000
		counts.CPUUs = cpuUs() - cpu
		var usage syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
		counts.RSSMiB = float64(usage.Maxrss) / 1024
		say(counts)
	}
}

func cpuUs() int64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return usage.Utime.Nano()/1000 + usage.Stime.Nano()/1000
}

// monotonicNs is the clock that process.hrtime of Node reads too.
func monotonicNs() int64 {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	return now.Nano()
}

// benchNumber is what stands between the two first `#`.
func benchNumber(payload []byte) int {
	text := string(payload[1:])
	number, err := strconv.Atoi(text[:strings.IndexByte(text, '#')])
	if err != nil {
		panic(err)
	}
	return number
}
