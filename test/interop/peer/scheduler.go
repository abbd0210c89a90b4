package main

import (
	"encoding/json"

	"github.com/hibiken/asynq"
)

// schedulerEntry is asynq.SchedulerEntry; times are Unix seconds, 0 where Go has its zero time.
type schedulerEntry struct {
	ID      string   `json:"id"`
	Spec    string   `json:"spec"`
	Type    string   `json:"type"`
	Payload []byte   `json:"payload"`
	Options []string `json:"options"`
	NextSec int64    `json:"nextSec"`
	PrevSec int64    `json:"prevSec"`
}

// schedulerEntries answers what `asynq cron ls` shows.
func schedulerEntries(p *peer, _ json.RawMessage) (any, error) {
	entries, err := p.inspector.SchedulerEntries()
	if err != nil {
		return nil, err
	}
	described := make([]schedulerEntry, len(entries))
	for nth, entry := range entries {
		options := make([]string, len(entry.Opts))
		for at, option := range entry.Opts {
			options[at] = option.String()
		}
		described[nth] = schedulerEntry{
			ID: entry.ID, Spec: entry.Spec, Type: entry.Task.Type(), Payload: entry.Task.Payload(), Options: options,
			NextSec: unixSec(entry.Next), PrevSec: unixSec(entry.Prev),
		}
	}
	return described, nil
}

// schedulerEvent is asynq.SchedulerEnqueueEvent.
type schedulerEvent struct {
	TaskID string `json:"taskId"`
	AtSec  int64  `json:"atSec"`
}

// schedulerEvents answers what `asynq cron history` shows.
func schedulerEvents(p *peer, args json.RawMessage) (any, error) {
	var entryID string
	if err := json.Unmarshal(args, &entryID); err != nil {
		return nil, err
	}
	events, err := p.inspector.ListSchedulerEnqueueEvents(entryID)
	if err != nil {
		return nil, err
	}
	described := make([]schedulerEvent, len(events))
	for nth, event := range events {
		described[nth] = schedulerEvent{TaskID: event.TaskID, AtSec: unixSec(event.EnqueuedAt)}
	}
	return described, nil
}

// startScheduler starts Go's scheduler in the peer's own process, at most one at a time, with one entry, and answers the entry's id.
func startScheduler(p *peer, args json.RawMessage) (any, error) {
	var entry struct {
		Spec  string `json:"spec"`
		Type  string `json:"type"`
		Queue string `json:"queue"`
	}
	if err := json.Unmarshal(args, &entry); err != nil {
		return nil, err
	}
	p.scheduler = asynq.NewScheduler(p.redis.opt(), &asynq.SchedulerOpts{LogLevel: asynq.FatalLevel})
	id, err := p.scheduler.Register(entry.Spec, asynq.NewTask(entry.Type, nil), asynq.Queue(entry.Queue))
	if err != nil {
		return nil, err
	}
	return id, p.scheduler.Start()
}

// endScheduler shuts it down.
func endScheduler(p *peer, _ json.RawMessage) (any, error) {
	p.scheduler.Shutdown()
	return nil, nil
}
