package engine

import (
	"sync"
	"time"
)

// A queue counts the requests that wait to run, and whose they are. It bounds them:
// no user may have so many waiting that others find no room.
type queue struct {
	mu    sync.Mutex
	limit int
	total int
	by    map[string]int // per user with a name
}

func newQueue(limit int) queue { return queue{limit: limit, by: map[string]int{}} }

// share is how many requests of one user may wait: a quarter of the room is left
// for others. Requests without a user have no share: they are all there is.
func (q *queue) share() int { return q.limit - q.limit/4 }

// enter takes n requests of a user in. It returns how many waited before; ok is
// false if there was no room.
func (q *queue) enter(user string, n int) (before int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	before = q.total
	if q.total+n > q.limit || user != "" && q.by[user]+n > q.share() {
		return before, false
	}
	q.total += n
	if user != "" {
		q.by[user] += n
	}
	return before, true
}

// leave takes one out.
func (q *queue) leave(user string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.total--
	if user == "" {
		return
	}
	if q.by[user]--; q.by[user] == 0 {
		delete(q.by, user)
	}
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.total
}

// wait guesses how long a request waits that has so many before it, from how long
// the last ones ran and how many run together.
func (e *Engine) wait(ahead int) time.Duration {
	e.statsMu.Lock()
	mean, running := e.stats.MeanTime, e.stats.Running
	e.statsMu.Unlock()
	return mean * time.Duration(ahead+1) / time.Duration(max(1, running))
}

// overloaded says how many wait, and how long that will take.
func (e *Engine) overloaded(waiting int) error {
	e.statsMu.Lock()
	running := e.stats.Running
	e.statsMu.Unlock()
	return &OverloadedError{Waiting: waiting, Running: running, RetryAfter: max(time.Second, e.wait(waiting))}
}
