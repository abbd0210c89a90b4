package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"sync"

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
	redis     redisConfig
	client    *asynq.Client
	inspector *asynq.Inspector
	session   *session
	scheduler *asynq.Scheduler
	// How often each aggregated task was made, by the beginning of its id.
	composed  map[string]int
	composing sync.Mutex
}

// operations by name.
var operations = map[string]func(*peer, json.RawMessage) (any, error){
	"version":       func(*peer, json.RawMessage) (any, error) { return linkedVersion(), nil },
	"enqueue":       enqueue,
	"queues":        func(p *peer, _ json.RawMessage) (any, error) { return p.inspector.Queues() },
	"servers":       servers,
	"queueInfo":     withTarget(queueInfo),
	"groups":        withTarget(groups),
	"task":          withTarget(task),
	"list":          withTarget(list),
	"run":           withTarget(runTask),
	"archive":       withTarget(archiveTask),
	"delete":        withTarget(deleteTask),
	"runAll":        withTarget(runAll),
	"archiveAll":    withTarget(archiveAll),
	"deleteAll":     withTarget(deleteAll),
	"pause":         withTarget(pause),
	"unpause":       withTarget(unpause),
	"cancel":        withTarget(cancel),
	"deleteQueue":   withTarget(deleteQueue),
	"updatePayload": withTarget(updatePayload),
	"nextTimes":     nextTimes,
	"renew":         renew,
	"startSession":  startSession,
	"release":       releaseHeld,
	"endSession":    endSession,

	"schedulerEntries": schedulerEntries,
	"schedulerEvents":  schedulerEvents,
	"startScheduler":   startScheduler,
	"endScheduler":     endScheduler,
}

// serve answers each line of stdin with a line.
func serve(config []byte) error {
	var redis redisConfig
	if err := json.Unmarshal(config, &redis); err != nil {
		return err
	}
	p := &peer{
		redis: redis, client: asynq.NewClient(redis.opt()), inspector: asynq.NewInspector(redis.opt()), composed: map[string]int{},
	}
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

// renew puts a new client in the place of the one there is, as if another process enqueued: a client remembers queues it has seen. Where a
// history begins the aggregated tasks are counted anew.
func renew(p *peer, args json.RawMessage) (any, error) {
	var begins bool
	if err := json.Unmarshal(args, &begins); err != nil {
		return nil, err
	}
	if begins {
		p.composed = map[string]int{}
	}
	err := p.client.Close()
	p.client = asynq.NewClient(p.redis.opt())
	return nil, err
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
