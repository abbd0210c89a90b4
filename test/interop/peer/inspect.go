package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
)

// target is what an operation of the inspector is about.
type target struct {
	Queue   string `json:"queue"`
	ID      string `json:"id"`
	State   string `json:"state"`
	Group   string `json:"group"`
	Force   bool   `json:"force"`
	Payload []byte `json:"payload"`
}

func withTarget(operation func(*asynq.Inspector, target) (any, error)) func(*peer, json.RawMessage) (any, error) {
	return func(p *peer, args json.RawMessage) (any, error) {
		var t target
		if err := json.Unmarshal(args, &t); err != nil {
			return nil, err
		}
		return operation(p.inspector, t)
	}
}

// taskInfo is asynq.TaskInfo; times are Unix seconds, 0 where Go has its zero time.
type taskInfo struct {
	ID               string            `json:"id"`
	Queue            string            `json:"queue"`
	Type             string            `json:"type"`
	Payload          []byte            `json:"payload"`
	Headers          map[string]string `json:"headers"`
	State            string            `json:"state"`
	MaxRetry         int               `json:"maxRetry"`
	Retried          int               `json:"retried"`
	LastErr          string            `json:"lastErr"`
	LastFailedAtSec  int64             `json:"lastFailedAtSec"`
	TimeoutSec       float64           `json:"timeoutSec"`
	DeadlineSec      int64             `json:"deadlineSec"`
	Group            string            `json:"group"`
	NextProcessAtSec int64             `json:"nextProcessAtSec"`
	IsOrphaned       bool              `json:"isOrphaned"`
	RetentionSec     float64           `json:"retentionSec"`
	CompletedAtSec   int64             `json:"completedAtSec"`
	Result           []byte            `json:"result"`
}

func describe(info *asynq.TaskInfo) taskInfo {
	return taskInfo{
		ID: info.ID, Queue: info.Queue, Type: info.Type, Payload: info.Payload, Headers: infoHeaders(info),
		State: info.State.String(), MaxRetry: info.MaxRetry, Retried: info.Retried,
		LastErr: info.LastErr, LastFailedAtSec: unixSec(info.LastFailedAt),
		TimeoutSec: info.Timeout.Seconds(), DeadlineSec: unixSec(info.Deadline), Group: info.Group,
		NextProcessAtSec: unixSec(info.NextProcessAt), IsOrphaned: info.IsOrphaned,
		RetentionSec: info.Retention.Seconds(), CompletedAtSec: unixSec(info.CompletedAt), Result: info.Result,
	}
}

func unixSec(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// queueInfo answers asynq.QueueInfo as Go writes it.
func queueInfo(i *asynq.Inspector, t target) (any, error) { return i.GetQueueInfo(t.Queue) }

// groups answers asynq.GroupInfo as Go writes it.
func groups(i *asynq.Inspector, t target) (any, error) { return i.Groups(t.Queue) }

// servers answers asynq.ServerInfo as Go writes it.
func servers(p *peer, _ json.RawMessage) (any, error) { return p.inspector.Servers() }

func task(i *asynq.Inspector, t target) (any, error) {
	info, err := i.GetTaskInfo(t.Queue, t.ID)
	if err != nil {
		return nil, err
	}
	return describe(info), nil
}

func list(i *asynq.Inspector, t target) (any, error) {
	infos, err := map[string]func() ([]*asynq.TaskInfo, error){
		"pending":     func() ([]*asynq.TaskInfo, error) { return i.ListPendingTasks(t.Queue) },
		"active":      func() ([]*asynq.TaskInfo, error) { return i.ListActiveTasks(t.Queue) },
		"scheduled":   func() ([]*asynq.TaskInfo, error) { return i.ListScheduledTasks(t.Queue) },
		"retry":       func() ([]*asynq.TaskInfo, error) { return i.ListRetryTasks(t.Queue) },
		"archived":    func() ([]*asynq.TaskInfo, error) { return i.ListArchivedTasks(t.Queue) },
		"completed":   func() ([]*asynq.TaskInfo, error) { return i.ListCompletedTasks(t.Queue) },
		"aggregating": func() ([]*asynq.TaskInfo, error) { return i.ListAggregatingTasks(t.Queue, t.Group) },
	}[t.State]()
	if err != nil {
		return nil, err
	}
	described := make([]taskInfo, len(infos))
	for nth, info := range infos {
		described[nth] = describe(info)
	}
	return described, nil
}

func runTask(i *asynq.Inspector, t target) (any, error)     { return nil, i.RunTask(t.Queue, t.ID) }
func archiveTask(i *asynq.Inspector, t target) (any, error) { return nil, i.ArchiveTask(t.Queue, t.ID) }
func deleteTask(i *asynq.Inspector, t target) (any, error)  { return nil, i.DeleteTask(t.Queue, t.ID) }
func pause(i *asynq.Inspector, t target) (any, error)       { return nil, i.PauseQueue(t.Queue) }
func unpause(i *asynq.Inspector, t target) (any, error)     { return nil, i.UnpauseQueue(t.Queue) }
func cancel(i *asynq.Inspector, t target) (any, error)      { return nil, i.CancelProcessing(t.ID) }

func deleteQueue(i *asynq.Inspector, t target) (any, error) {
	return nil, i.DeleteQueue(t.Queue, t.Force)
}

// all calls the bulk operation of a state, which answers how many it moved.
func all(t target, ofQueue map[string]func(string) (int, error), ofGroup func(queue, group string) (int, error)) (any, error) {
	if t.State == "aggregating" {
		return ofGroup(t.Queue, t.Group)
	}
	operation := ofQueue[t.State]
	if operation == nil {
		return nil, fmt.Errorf("no such operation for %s tasks", t.State)
	}
	return operation(t.Queue)
}

func runAll(i *asynq.Inspector, t target) (any, error) {
	return all(t, map[string]func(string) (int, error){
		"scheduled": i.RunAllScheduledTasks, "retry": i.RunAllRetryTasks, "archived": i.RunAllArchivedTasks,
	}, i.RunAllAggregatingTasks)
}

func archiveAll(i *asynq.Inspector, t target) (any, error) {
	return all(t, map[string]func(string) (int, error){
		"pending": i.ArchiveAllPendingTasks, "scheduled": i.ArchiveAllScheduledTasks, "retry": i.ArchiveAllRetryTasks,
	}, i.ArchiveAllAggregatingTasks)
}

func deleteAll(i *asynq.Inspector, t target) (any, error) {
	return all(t, map[string]func(string) (int, error){
		"pending": i.DeleteAllPendingTasks, "scheduled": i.DeleteAllScheduledTasks, "retry": i.DeleteAllRetryTasks,
		"archived": i.DeleteAllArchivedTasks, "completed": i.DeleteAllCompletedTasks,
	}, i.DeleteAllAggregatingTasks)
}
