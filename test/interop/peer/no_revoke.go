//go:build !revoke

package main

import "errors"

// revokeTask is an error like any other before v0.25.0.
var revokeTask = errors.New("revoke task")
