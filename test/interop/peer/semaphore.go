//go:build rate

package main

import (
	"context"
	"encoding/json"

	"github.com/hibiken/asynq"
	"github.com/hibiken/asynq/x/rate"
)

// semaphoreConfig is the payload of a task that asks for a token.
type semaphoreConfig struct {
	Redis     redisConfig `json:"redis"`
	Scope     string      `json:"scope"`
	MaxTokens int         `json:"maxTokens"`
}

// acquire asks for a token of Asynq's semaphore, tells whether there was one, and keeps it.
func acquire(ctx context.Context, task *asynq.Task) error {
	var c semaphoreConfig
	if err := json.Unmarshal(task.Payload(), &c); err != nil {
		return err
	}
	return acquireToken(ctx, task, c.Redis, c.Scope, c.MaxTokens)
}

func acquireToken(ctx context.Context, task *asynq.Task, redis redisConfig, scope string, maxTokens int) error {
	semaphore := rate.NewSemaphore(redis.opt(), scope, maxTokens)
	defer semaphore.Close()
	isAcquired, err := semaphore.Acquire(ctx)
	if err != nil {
		return err
	}
	_, err = task.ResultWriter().Write([]byte(map[bool]string{true: "acquired", false: "full"}[isAcquired]))
	return err
}
