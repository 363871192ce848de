package diskcache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// A job is an item to write, and whom to tell.
type job struct {
	item Item
	done func()
}

// Put queues an item. Its tokens and data must not change until done, which may
// be nil, is called; that happens once, from any goroutine, unless Put reports
// false: the queue is full, or writing is off.
func (s *Store) Put(it Item, done func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.stats.Off || int64(len(it.Data)) > s.cfg.MaxBytes {
		return false
	}
	k, size := name{it.Kind, it.Key}, int64(len(it.Data))
	if len(s.queued) > 0 && s.inQueue+size > s.cfg.QueueBytes || s.queued[k] {
		s.stats.Refused++
		return false
	}
	select {
	case s.queue <- job{it, done}:
		s.queued[k] = true
		s.inQueue += size
		return true
	default:
		s.stats.Refused++
		return false
	}
}

// Writing reports whether items can still be written.
func (s *Store) Writing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.stats.Off && !s.closed
}

// write is the writer's goroutine.
func (s *Store) write() {
	defer close(s.done)
	for j := range s.queue {
		s.do(j)
	}
}

// do writes one item. A panic is a mistake of ours, or of whoever is told, and no
// reason to end the process: the cache is something to do without.
func (s *Store) do(j job) {
	defer func() {
		if v := recover(); v != nil {
			s.giveUp(fmt.Errorf("the writer panicked: %v\n%s", v, debug.Stack()))
		}
	}()
	defer s.settle(&j)
	off := false
	s.locked(func() { off = s.stats.Off })
	if !off {
		s.writeItem(&j.item)
	}
}

// settle takes an item out of the books, written or not, and tells who waits.
func (s *Store) settle(j *job) {
	s.locked(func() {
		delete(s.queued, name{j.item.Kind, j.item.Key})
		s.inQueue -= int64(len(j.item.Data))
	})
	if j.done != nil {
		j.done()
	}
}

// locked runs f with the mutex, which a panic in f does not leave locked.
func (s *Store) locked(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// maxFailures is after how many failed writes in a row writing is given up; a
// single one may be another process that cleaned up.
const maxFailures = 3

func (s *Store) writeItem(it *Item) {
	head := appendHeader(make([]byte, 0, headerBytes(len(it.Tokens))), &s.identity, it)
	size := int64(len(head) + len(it.Data))
	s.evict(size)
	dir := filepath.Join(s.cfg.Dir, s.own)
	rel := filepath.Join(s.own, fileName(it))
	s.temps++
	temp := filepath.Join(dir, fmt.Sprintf("%s%s-%d", tempPrefix, s.nonce, s.temps))
	err := s.writeFile(temp, head, it.Data)
	if errors.Is(err, fs.ErrNotExist) { // somebody deleted the folder: that is allowed
		if err = os.MkdirAll(dir, 0o700); err == nil {
			err = s.writeFile(temp, head, it.Data)
		}
	}
	if err == nil {
		err = os.Rename(temp, filepath.Join(s.cfg.Dir, rel))
	}
	if err != nil {
		_ = os.Remove(temp) // the first error is the one to tell
		s.failed(err)
		return
	}
	s.failures = 0
	e := &entry{kind: it.Kind, key: it.Key, pos: it.Pos, n: len(it.Tokens), path: rel, size: size, used: time.Now()}
	copy(e.parent[:], it.Parent[:])
	s.locked(func() {
		if old := s.items[rel]; old != nil {
			s.forget(old)
		}
		s.learn(e)
		s.stats.Written++
		s.stats.WroteBytes += uint64(size)
	})
	if it.Kind == Block {
		s.dropPrefixes(it)
	}
}

// failed counts a failed write and gives up when it is hopeless.
func (s *Store) failed(err error) {
	s.failures++
	if s.failures < maxFailures && errors.Is(err, fs.ErrNotExist) {
		return
	}
	s.giveUp(err)
}

// giveUp ends writing; what is there can still be read.
func (s *Store) giveUp(err error) {
	s.locked(func() {
		s.stats.Off = true
		s.stats.Problem, _, _ = strings.Cut(err.Error(), "\n")
	})
	if s.cfg.Warn != nil {
		s.cfg.Warn(fmt.Errorf("diskcache: prompts are no longer kept in %s: %w", s.cfg.Dir, err))
	}
}

// dropPrefixes deletes unfinished blocks that the new one begins with, unless
// they have a state of their own to continue from.
func (s *Store) dropPrefixes(it *Item) {
	var old []*entry
	s.locked(func() {
		for _, e := range s.children[[parentDigits / 2]byte(it.Parent[:parentDigits/2])] {
			if e.n < len(it.Tokens) && e.key != it.Key && s.index[name{State, e.key}] == nil && !s.queued[name{State, e.key}] {
				old = append(old, e)
			}
		}
	})
	for _, e := range old {
		f, err := os.Open(filepath.Join(s.cfg.Dir, e.path))
		if err != nil {
			s.gone(e, err)
			continue
		}
		h, err := readHeader(f, &s.identity)
		_ = f.Close() // it was only read
		if err == nil && h.item.Parent == it.Parent && len(h.item.Tokens) <= len(it.Tokens) && slices.Equal(h.item.Tokens, it.Tokens[:len(h.item.Tokens)]) {
			s.remove(e)
		}
	}
}

// writeFile writes a file of its own making.
func writeFile(path string, parts ...[]byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if _, err := f.Write(p); err != nil {
			_ = f.Close() // the first error is the one to tell
			return err
		}
	}
	return f.Close()
}
