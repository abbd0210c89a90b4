//go:build headers

package main

import "github.com/hibiken/asynq"

func makeTask(t newTask) *asynq.Task { return asynq.NewTaskWithHeaders(t.Type, t.Payload, t.Headers) }

func headersOf(task *asynq.Task) map[string]string { return task.Headers() }

func infoHeaders(info *asynq.TaskInfo) map[string]string { return info.Headers }

func updatePayload(i *asynq.Inspector, t target) (any, error) {
	return nil, i.UpdateTaskPayload(t.Queue, t.ID, t.Payload)
}
