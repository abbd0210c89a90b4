// Peer is real Asynq for the interop suites to talk to: it does what it is told, line by line, and prints JSON.
//
//	peer serve CONFIG   answers requests on stdin with the client and the inspector
//	peer work CONFIG    runs tasks as a server and tells of each run, until stdin ends or SIGTERM
//	peer bench CONFIG   is one process of the benchmark
//
// CONFIG is JSON. The suites judge what is printed; nothing is judged here.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"github.com/hibiken/asynq"
)

// redisConfig says where Redis is.
type redisConfig struct {
	Addr     string `json:"addr"`
	DB       int    `json:"db"`
	Password string `json:"password"`
}

func (c redisConfig) opt() asynq.RedisClientOpt {
	return asynq.RedisClientOpt{Addr: c.Addr, DB: c.DB, Password: c.Password}
}

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: peer serve|work|bench CONFIG"))
	}
	run := map[string]func([]byte) error{"serve": serve, "work": work, "bench": bench}[os.Args[1]]
	if run == nil {
		fail(fmt.Errorf("no such command: %s", os.Args[1]))
	}
	if err := run([]byte(os.Args[2])); err != nil {
		fail(err)
	}
}

var printing sync.Mutex

// say prints one line of JSON, at once: what was said before a SIGKILL arrives.
func say(line any) {
	bytes, err := json.Marshal(line)
	if err != nil {
		fail(err)
	}
	printing.Lock()
	defer printing.Unlock()
	if _, err := os.Stdout.Write(append(bytes, '\n')); err != nil {
		os.Exit(1)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
