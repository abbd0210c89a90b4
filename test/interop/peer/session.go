package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hibiken/asynq"
)

// sessionConfig is what a history chooses of asynq.Config for a server in this process, from its start to its end.
type sessionConfig struct {
	Queues map[string]int `json:"queues"`
	// Whether a failed task waits 100 s for each failure before and 50 s; else Asynq's own delay.
	FixedDelay bool `json:"fixedDelay"`
	// Whether groups are aggregated: into a task of type "aggregated" that tells of theirs.
	Aggregate    bool `json:"aggregate"`
	GroupMaxSize int  `json:"groupMaxSize"`
	// How long handlers have at the end; what still runs then is requeued.
	ShutdownTimeoutMs int64 `json:"shutdownTimeoutMs"`
}

// session is a server of this process.
type session struct {
	server *asynq.Server
	redis  redisConfig
	// Closed when handlers that hold their task are to let it go.
	release  chan struct{}
	released sync.Once
}

// Often enough that nothing waits for them.
const sessionInterval = 5 * time.Millisecond

func startSession(p *peer, args json.RawMessage) (any, error) {
	var c sessionConfig
	if err := json.Unmarshal(args, &c); err != nil {
		return nil, err
	}
	s := &session{redis: p.redis, release: make(chan struct{})}
	settings := asynq.Config{
		Concurrency:              10,
		Queues:                   c.Queues,
		DelayedTaskCheckInterval: sessionInterval,
		ShutdownTimeout:          milliseconds(c.ShutdownTimeoutMs),
		IsFailure:                func(err error) bool { return !strings.HasPrefix(err.Error(), "soft") },
		LogLevel:                 asynq.FatalLevel,
	}
	if c.FixedDelay {
		settings.RetryDelayFunc = func(retried int, _ error, _ *asynq.Task) time.Duration {
			return time.Duration(100*retried+50) * time.Second
		}
	}
	if c.Aggregate {
		settings.GroupAggregator = asynq.GroupAggregatorFunc(p.compose)
		settings.GroupGracePeriod = time.Second
		settings.GroupMaxSize = c.GroupMaxSize
	}
	// v0.24.1 has neither: it looks for tasks every second, and for completed ones every 8 s.
	setIfKnown(&settings, "TaskCheckInterval", time.Millisecond)
	setIfKnown(&settings, "JanitorInterval", sessionInterval)
	s.server = asynq.NewServer(p.redis.opt(), settings)
	if err := s.server.Start(asynq.HandlerFunc(s.handle)); err != nil {
		return nil, err
	}
	p.session = s
	return nil, nil
}

func setIfKnown(settings *asynq.Config, field string, interval time.Duration) {
	if value := reflect.ValueOf(settings).Elem().FieldByName(field); value.IsValid() {
		value.SetInt(int64(interval))
	}
}

// releaseHeld lets the tasks go that handlers hold.
func releaseHeld(p *peer, _ json.RawMessage) (any, error) {
	p.session.released.Do(func() { close(p.session.release) })
	return nil, nil
}

// endSession shuts the server down, handlers that hold their task being none of its business any more.
func endSession(p *peer, args json.RawMessage) (any, error) {
	p.session.server.Shutdown()
	return releaseHeld(p, args)
}

// handle does what the first word of the payload says; the second is a number or a text, the rest whatever it is.
func (s *session) handle(ctx context.Context, task *asynq.Task) error {
	words := bytes.SplitN(task.Payload(), []byte(" "), 3)
	word := func(nth int) []byte {
		if nth < len(words) {
			return words[nth]
		}
		return nil
	}
	text := string(word(1))
	switch string(word(0)) {
	case "fail":
		return errors.New(text)
	case "fail-long":
		count, _ := strconv.Atoi(text)
		return errors.New(strings.Repeat("ü", count))
	case "fail-until":
		until, _ := strconv.Atoi(text)
		if retried, _ := asynq.GetRetryCount(ctx); retried < until {
			return errors.New("not yet")
		}
	case "skip":
		return fmt.Errorf("%s: %w", text, asynq.SkipRetry)
	case "revoke":
		return fmt.Errorf("%s: %w", text, revokeTask)
	case "panic":
		panic(text)
	case "acquire":
		return acquireToken(ctx, task, s.redis, text, 1)
	case "unknown":
		return asynq.NotFound(ctx, task)
	case "result", "result-fail":
		for _, result := range [][]byte{[]byte("first"), word(2)} {
			if _, err := task.ResultWriter().Write(result); err != nil {
				return err
			}
		}
		if string(word(0)) == "result-fail" {
			return errors.New(text)
		}
	case "hold":
		select {
		case <-s.release:
		case <-ctx.Done():
			return ctx.Err()
		}
	case "late":
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

// compose makes the task of a group's tasks: its id says of which, and how often these were aggregated before. A group "hold" waits.
func (p *peer) compose(group string, tasks []*asynq.Task) *asynq.Task {
	if strings.HasPrefix(group, "hold") {
		<-p.session.release
	}
	payload := []byte("ok " + group + " ")
	for _, task := range tasks {
		payload = append(append(payload, task.Type()...), task.Payload()...)
	}
	id := fmt.Sprintf("agg-%x", sha256.Sum256(payload))[:20]
	p.composing.Lock()
	defer p.composing.Unlock()
	p.composed[id]++
	given := []asynq.Option{asynq.TaskID(fmt.Sprintf("%s-%d", id, p.composed[id]))}
	if len(tasks) > 1 {
		given = append(given, asynq.Retention(150*time.Second))
	}
	return asynq.NewTask("aggregated", payload, given...)
}
