//go:build !rate

package main

import (
	"context"
	"errors"

	"github.com/hibiken/asynq"
)

// acquire is linked where Asynq's x/rate is: it was written for the Redis client of v0.23.0.
func acquire(context.Context, *asynq.Task) error { return errors.New("not linked with x/rate") }
