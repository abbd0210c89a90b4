//go:build !rate

package main

import (
	"context"
	"errors"

	"github.com/hibiken/asynq"
)

var errNoSemaphore = errors.New("not linked with x/rate")

// acquire is linked where Asynq's x/rate is: it was written for the Redis client of v0.23.0.
func acquire(context.Context, *asynq.Task) error { return errNoSemaphore }

func acquireToken(context.Context, *asynq.Task, redisConfig, string, int) error {
	return errNoSemaphore
}
