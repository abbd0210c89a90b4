package main

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/hibiken/asynq"
)

// newTask is a task to enqueue; an absent payload is nil, an empty one is not.
type newTask struct {
	Type    string            `json:"type"`
	Payload []byte            `json:"payload"`
	Headers map[string]string `json:"headers"`
	Options options           `json:"options"`
	// What its id is made of where none is given; absent, it is drawn.
	Chance []byte `json:"chance"`
}

// options as they may be given; times and durations are whole milliseconds.
type options struct {
	TaskID      *string `json:"taskId"`
	Queue       *string `json:"queue"`
	MaxRetry    *int    `json:"maxRetry"`
	TimeoutMs   *int64  `json:"timeoutMs"`
	DeadlineMs  *int64  `json:"deadlineMs"`
	UniqueTtlMs *int64  `json:"uniqueTtlMs"`
	ProcessAtMs *int64  `json:"processAtMs"`
	ProcessInMs *int64  `json:"processInMs"`
	RetentionMs *int64  `json:"retentionMs"`
	Group       *string `json:"group"`
}

func (o options) asynq() (given []asynq.Option) {
	if o.TaskID != nil {
		given = append(given, asynq.TaskID(*o.TaskID))
	}
	if o.Queue != nil {
		given = append(given, asynq.Queue(*o.Queue))
	}
	if o.MaxRetry != nil {
		given = append(given, asynq.MaxRetry(*o.MaxRetry))
	}
	if o.TimeoutMs != nil {
		given = append(given, asynq.Timeout(milliseconds(*o.TimeoutMs)))
	}
	if o.DeadlineMs != nil {
		given = append(given, asynq.Deadline(time.UnixMilli(*o.DeadlineMs)))
	}
	if o.UniqueTtlMs != nil {
		given = append(given, asynq.Unique(milliseconds(*o.UniqueTtlMs)))
	}
	if o.ProcessAtMs != nil {
		given = append(given, asynq.ProcessAt(time.UnixMilli(*o.ProcessAtMs)))
	}
	if o.ProcessInMs != nil {
		given = append(given, asynq.ProcessIn(milliseconds(*o.ProcessInMs)))
	}
	if o.RetentionMs != nil {
		given = append(given, asynq.Retention(milliseconds(*o.RetentionMs)))
	}
	if o.Group != nil {
		given = append(given, asynq.Group(*o.Group))
	}
	return given
}

func milliseconds(count int64) time.Duration { return time.Duration(count) * time.Millisecond }

// enqueue takes a list of tasks and answers for each its info or why it was refused.
func enqueue(p *peer, args json.RawMessage) (any, error) {
	var tasks []newTask
	if err := json.Unmarshal(args, &tasks); err != nil {
		return nil, err
	}
	replies := make([]reply, len(tasks))
	for i, task := range tasks {
		if task.Chance != nil {
			uuid.SetRand(bytes.NewReader(task.Chance))
		}
		info, err := p.client.Enqueue(makeTask(task), task.Options.asynq()...)
		uuid.SetRand(nil)
		if err != nil {
			replies[i] = reply{Error: err.Error()}
		} else {
			replies[i] = reply{Result: describe(info)}
		}
	}
	return replies, nil
}
