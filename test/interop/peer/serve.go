package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/hibiken/asynq"
)

// request names an operation and its arguments.
type request struct {
	Op   string          `json:"op"`
	Args json.RawMessage `json:"args"`
}

// reply holds the result, or Asynq's own words for what went wrong.
type reply struct {
	Result any    `json:"result,omitempty"`
	Error  string `json:"error,omitempty"`
}

// peer holds what the operations need.
type peer struct {
	client    *asynq.Client
	inspector *asynq.Inspector
}

// operations by name.
var operations = map[string]func(*peer, json.RawMessage) (any, error){
	"version":    func(*peer, json.RawMessage) (any, error) { return linkedVersion(), nil },
	"enqueue":    enqueue,
	"queues":     func(p *peer, _ json.RawMessage) (any, error) { return p.inspector.Queues() },
	"servers":    servers,
	"queueInfo":  withTarget(queueInfo),
	"groups":     withTarget(groups),
	"task":       withTarget(task),
	"list":       withTarget(list),
	"run":        withTarget(runTask),
	"archive":    withTarget(archiveTask),
	"delete":     withTarget(deleteTask),
	"runAll":     withTarget(runAll),
	"archiveAll": withTarget(archiveAll),
	"deleteAll":  withTarget(deleteAll),
	"pause":      withTarget(pause),
	"unpause":    withTarget(unpause),
	"cancel":     withTarget(cancel),
}

// serve answers each line of stdin with a line.
func serve(config []byte) error {
	var redis redisConfig
	if err := json.Unmarshal(config, &redis); err != nil {
		return err
	}
	p := &peer{client: asynq.NewClient(redis.opt()), inspector: asynq.NewInspector(redis.opt())}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		say(p.answer(lines.Bytes()))
	}
	return lines.Err()
}

func (p *peer) answer(line []byte) reply {
	var asked request
	if err := json.Unmarshal(line, &asked); err != nil {
		return reply{Error: err.Error()}
	}
	operation := operations[asked.Op]
	if operation == nil {
		return reply{Error: fmt.Sprintf("no such operation: %s", asked.Op)}
	}
	result, err := operation(p, asked.Args)
	if err != nil {
		return reply{Error: err.Error()}
	}
	return reply{Result: result}
}

// linkedVersion is the version of Asynq in this very binary.
func linkedVersion() string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "github.com/hibiken/asynq" {
			return module.Version
		}
	}
	return "unknown"
}
