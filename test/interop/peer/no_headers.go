//go:build !headers

// What v0.26.0 brought, for the versions before it.
package main

import (
	"errors"

	"github.com/hibiken/asynq"
)

func makeTask(t newTask) *asynq.Task { return asynq.NewTask(t.Type, t.Payload) }

func headersOf(*asynq.Task) map[string]string { return nil }

func infoHeaders(*asynq.TaskInfo) map[string]string { return nil }

func updatePayload(*asynq.Inspector, target) (any, error) {
	return nil, errors.New("not in this version")
}
