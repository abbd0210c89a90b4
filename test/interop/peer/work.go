package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/hibiken/asynq"
)

// workConfig is what a suite may choose of asynq.Config.
type workConfig struct {
	Redis       redisConfig    `json:"redis"`
	Queues      map[string]int `json:"queues"`
	Concurrency int            `json:"concurrency"`
	// How long a failed task waits.
	RetryDelayMs int64 `json:"retryDelayMs"`
	// Whether groups are aggregated: into one task of type "aggregated" whose payload is the JSON list of theirs.
	Aggregate    bool `json:"aggregate"`
	GroupMaxSize int  `json:"groupMaxSize"`
	// How often completed tasks are looked through; v0.24.1 does it every 8 s, whatever is set.
	JanitorIntervalMs int64 `json:"janitorIntervalMs"`
	// Whether the tasks are those of the chaos suites.
	Chaos bool `json:"chaos"`
}

// run tells of a task that is being run.
type run struct {
	Event       string            `json:"event"`
	ID          string            `json:"id"`
	Queue       string            `json:"queue"`
	Type        string            `json:"type"`
	Payload     []byte            `json:"payload"`
	Headers     map[string]string `json:"headers"`
	Retried     int               `json:"retried"`
	MaxRetry    int               `json:"maxRetry"`
	DeadlineSec int64             `json:"deadlineSec"`
}

// work runs a server until it is told to end; the end of stdin is the end of who started it.
func work(config []byte) error {
	var c workConfig
	if err := json.Unmarshal(config, &c); err != nil {
		return err
	}
	settings := asynq.Config{
		Concurrency:              c.Concurrency,
		Queues:                   c.Queues,
		RetryDelayFunc:           func(int, error, *asynq.Task) time.Duration { return milliseconds(c.RetryDelayMs) },
		DelayedTaskCheckInterval: 200 * time.Millisecond,
		ShutdownTimeout:          5 * time.Second,
		LogLevel:                 asynq.WarnLevel,
	}
	if c.Aggregate {
		settings.GroupAggregator = asynq.GroupAggregatorFunc(aggregate)
		settings.GroupGracePeriod = time.Second
		settings.GroupMaxDelay = time.Second
		settings.GroupMaxSize = c.GroupMaxSize
	}
	setIfKnown(&settings, "JanitorInterval", milliseconds(c.JanitorIntervalMs))
	server := asynq.NewServer(c.Redis.opt(), settings)
	handler := handle
	if c.Chaos {
		handler = handleChaos
	}
	if err := server.Start(asynq.HandlerFunc(handler)); err != nil {
		return err
	}
	say(map[string]string{"event": "ready"})
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		io.Copy(io.Discard, os.Stdin)
		ended <- syscall.SIGTERM
	}()
	<-ended
	server.Shutdown()
	return nil
}

// handle does what the type says, after it told of it.
func handle(ctx context.Context, task *asynq.Task) error {
	told := run{Event: "run", Type: task.Type(), Payload: task.Payload(), Headers: headersOf(task)}
	told.ID, _ = asynq.GetTaskID(ctx)
	told.Queue, _ = asynq.GetQueueName(ctx)
	told.Retried, _ = asynq.GetRetryCount(ctx)
	told.MaxRetry, _ = asynq.GetMaxRetry(ctx)
	if deadline, ok := ctx.Deadline(); ok {
		told.DeadlineSec = deadline.Unix()
	}
	say(told)
	switch task.Type() {
	case "echo":
		_, err := task.ResultWriter().Write(task.Payload())
		return err
	case "fail":
		return errors.New("failed in Go")
	case "skip":
		return fmt.Errorf("skipped in Go: %w", asynq.SkipRetry)
	case "nap":
		ms, err := strconv.Atoi(string(task.Payload()))
		time.Sleep(milliseconds(int64(ms)))
		return err
	case "fail-late":
		ms, _ := strconv.Atoi(string(task.Payload()))
		time.Sleep(milliseconds(int64(ms)))
		return errors.New("failed late in Go")
	case "acquire":
		return acquire(ctx, task)
	case "wait":
		<-ctx.Done()
		return ctx.Err()
	case "hang":
		select {}
	}
	return nil
}

// aggregate makes one task of a group's; the group "hang" keeps it for ever.
func aggregate(group string, tasks []*asynq.Task) *asynq.Task {
	if group == "hang" {
		select {}
	}
	payloads := make([]string, len(tasks))
	for i, task := range tasks {
		payloads[i] = string(task.Payload())
	}
	payload, _ := json.Marshal(payloads)
	return asynq.NewTask("aggregated", payload)
}
