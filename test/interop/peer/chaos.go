package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/hibiken/asynq"
)

// chaosTask is what the payload of a task of the chaos suites says.
type chaosTask struct {
	// How long the run takes.
	Ms int64 `json:"ms"`
	// Whether the first run fails.
	Fails bool `json:"fails"`
	// What is left as the result, if anything.
	Result string `json:"result"`
}

// chaosRun tells how a run goes; it holds nothing of the payload, so that nothing secret is told.
type chaosRun struct {
	Event   string `json:"event"`
	ID      string `json:"id"`
	Queue   string `json:"queue"`
	Retried int    `json:"retried"`
	AtMs    int64  `json:"unixMs"`
}

// handleChaos does what the payload says, and tells of the run's start and of its end.
func handleChaos(ctx context.Context, task *asynq.Task) error {
	told := chaosRun{Event: "start", AtMs: time.Now().UnixMilli()}
	told.ID, _ = asynq.GetTaskID(ctx)
	told.Queue, _ = asynq.GetQueueName(ctx)
	told.Retried, _ = asynq.GetRetryCount(ctx)
	say(told)
	err := runChaos(task, told.Retried)
	told.Event, told.AtMs = "end", time.Now().UnixMilli()
	if err != nil {
		told.Event = "fail"
	}
	say(told)
	return err
}

func runChaos(task *asynq.Task, retried int) error {
	var asked chaosTask
	if err := json.Unmarshal(task.Payload(), &asked); err != nil {
		return err
	}
	time.Sleep(milliseconds(asked.Ms))
	if asked.Fails && retried == 0 {
		return errors.New("the first run fails")
	}
	if asked.Result == "" {
		return nil
	}
	_, err := task.ResultWriter().Write([]byte(asked.Result))
	return err
}
