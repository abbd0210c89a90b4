//go:build revoke

package main

import "github.com/hibiken/asynq"

var revokeTask = asynq.RevokeTask
