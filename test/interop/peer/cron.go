package main

import (
	"encoding/json"
	"fmt"
	"time"

	// Where the machine has no time zones.
	_ "time/tzdata"

	"github.com/robfig/cron/v3"
)

// cronQuestion asks for the next times of a spec, by a scheduler in a time zone.
type cronQuestion struct {
	Spec     string `json:"spec"`
	TimeZone string `json:"timeZone"`
	AfterSec int64  `json:"afterSec"`
	Count    int    `json:"count"`
}

// cronAnswer holds the times, fewer where the library gives up, or why there are none.
type cronAnswer struct {
	Slots []int64 `json:"slots"`
	Error string  `json:"error,omitempty"`
	// The parser panicked.
	Panics bool `json:"panics"`
}

// withSeconds reads what Asynq's parser reads, and six fields with seconds first.
var withSeconds = cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// nextTimes answers each question as Asynq's own parser does, and as the same library does that takes seconds too.
func nextTimes(_ *peer, args json.RawMessage) (any, error) {
	var questions []cronQuestion
	if err := json.Unmarshal(args, &questions); err != nil {
		return nil, err
	}
	answers := make([]map[string]cronAnswer, len(questions))
	for i, question := range questions {
		location, err := time.LoadLocation(question.TimeZone)
		if err != nil {
			return nil, err
		}
		after := time.Unix(question.AfterSec, 0).In(location)
		answers[i] = map[string]cronAnswer{
			"standard":    nextOf(cron.ParseStandard, question, after),
			"withSeconds": nextOf(withSeconds.Parse, question, after),
		}
	}
	return answers, nil
}

func nextOf(parse func(string) (cron.Schedule, error), question cronQuestion, after time.Time) (answer cronAnswer) {
	answer.Slots = []int64{}
	defer func() {
		if why := recover(); why != nil {
			answer = cronAnswer{Slots: []int64{}, Error: fmt.Sprint(why), Panics: true}
		}
	}()
	schedule, err := parse(question.Spec)
	if err != nil {
		answer.Error = err.Error()
		return answer
	}
	for next := after; len(answer.Slots) < question.Count; {
		if next = schedule.Next(next); next.IsZero() {
			break
		}
		answer.Slots = append(answer.Slots, next.Unix())
	}
	return answer
}
