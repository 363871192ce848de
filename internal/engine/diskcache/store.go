package diskcache

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Config says where a store is and how large it may get.
type Config struct {
	Dir string
	// MaxBytes bounds all files below Dir, those of other identities included.
	MaxBytes int64
	// Identity names what made the bytes: whatever differs between two makers
	// whose blocks must not be mixed.
	Identity string
	// QueueItems and QueueBytes bound what waits to be written; 0 means 64 items
	// and 256 MiB.
	QueueItems int
	QueueBytes int64
	// Warn, if not nil, is told once when writing is switched off.
	Warn func(error)
}

// An entry is a file that a store knows.
type entry struct {
	kind   Kind
	key    Key
	parent [parentDigits / 2]byte
	pos, n int

	path  string // below the store's folder
	size  int64
	used  time.Time
	hits  int
	alien bool // of another identity: known only to be evicted
}

// A name is how an entry of the own identity is found.
type name struct {
	kind Kind
	key  Key
}

// A Store is a folder of items. Its methods are safe for concurrent use.
type Store struct {
	cfg      Config
	identity Key
	own      string // the identity's folder, relative
	nonce    string // in the names of this store's temporary files

	mu       sync.Mutex
	items    map[string]*entry // by path
	index    map[name]*entry
	children map[[parentDigits / 2]byte][]*entry // blocks, by parent
	total    int64
	queued   map[name]bool // Put, not written yet
	inQueue  int64         // bytes
	closed   bool
	stats    Stats
	scanned  time.Time

	queue    chan job
	done     chan struct{}
	temps    int
	failures int // writes that failed in a row

	writeFile func(path string, parts ...[]byte) error // replaced by tests
}

// Stats are counters since Open, and gauges of now.
type Stats struct {
	Items      int   // files of this identity
	Bytes      int64 // of all files in the folder
	MaxBytes   int64
	Queued     int // items that wait to be written
	Written    uint64
	WroteBytes uint64
	Read       uint64
	ReadBytes  uint64
	Evicted    uint64
	Damaged    uint64 // files that were deleted because of their checksums
	Refused    uint64 // items that found the queue full
	Off        bool   // writing was given up
	Problem    string // why
}

const tempPrefix = ".tmp-"

// Open opens a store, creating its folder if needed, and looks at what is there.
// Temporary files that earlier processes left are deleted.
func Open(c Config) (*Store, error) {
	if c.Dir == "" || c.MaxBytes <= 0 {
		return nil, fmt.Errorf("diskcache: folder %q with at most %d bytes: expected a folder and a positive limit", c.Dir, c.MaxBytes)
	}
	if c.QueueItems == 0 {
		c.QueueItems = 64
	}
	if c.QueueBytes == 0 {
		c.QueueBytes = 256 << 20
	}
	s := &Store{
		cfg: c, identity: sha256.Sum256([]byte(c.Identity)),
		items: map[string]*entry{}, index: map[name]*entry{}, children: map[[parentDigits / 2]byte][]*entry{}, queued: map[name]bool{},
		queue: make(chan job, c.QueueItems), done: make(chan struct{}),
	}
	s.own = hex.EncodeToString(s.identity[:8])
	var nonce [6]byte
	_, _ = rand.Read(nonce[:]) // it never fails
	s.nonce = hex.EncodeToString(nonce[:])
	s.writeFile = writeFile
	if err := os.MkdirAll(filepath.Join(c.Dir, s.own), 0o700); err != nil {
		return nil, fmt.Errorf("diskcache: %w", err)
	}
	if err := s.scan(true); err != nil {
		return nil, fmt.Errorf("diskcache: %w", err)
	}
	go s.write()
	return s, nil
}

// Close waits for what is queued, and ends the writer.
func (s *Store) Close() error {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.mu.Unlock()
	if first {
		close(s.queue)
	}
	<-s.done
	return nil
}

// Stats returns the counters.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	st.Items, st.Bytes, st.MaxBytes, st.Queued = len(s.index), s.total, s.cfg.MaxBytes, len(s.queued)
	return st
}

// scan looks at all files below the folder. Files that went are forgotten, new
// ones, of other processes, are learnt. clean deletes temporary files of others.
func (s *Store) scan(clean bool) error {
	found := map[string]bool{}
	err := filepath.WalkDir(s.cfg.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if path == s.cfg.Dir {
				return err
			}
			return nil // a folder that cannot be read holds nothing for us
		}
		if strings.HasPrefix(d.Name(), tempPrefix) {
			if clean && !strings.HasPrefix(d.Name(), tempPrefix+s.nonce) {
				_ = os.Remove(path) // if it stays, the next start tries again
			}
			return nil
		}
		rel, err := filepath.Rel(s.cfg.Dir, path)
		if err != nil {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil // it went meanwhile
		}
		if e, ok := parseName(d.Name()); ok {
			found[rel] = true
			e.path, e.size, e.used, e.alien = rel, info.Size(), info.ModTime(), filepath.Dir(rel) != s.own
			s.mu.Lock()
			s.learn(&e)
			s.mu.Unlock()
		}
		return nil
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scanned = time.Now()
	for path, e := range s.items {
		if !found[path] && e.used.Before(s.scanned.Add(-time.Minute)) {
			s.forget(e)
		}
	}
	return err
}

// learn adds an entry, unless it is known.
func (s *Store) learn(e *entry) {
	if s.items[e.path] != nil {
		return
	}
	s.items[e.path] = e
	s.total += e.size
	if e.alien {
		return
	}
	s.index[name{e.kind, e.key}] = e
	if e.kind == Block {
		s.children[e.parent] = append(s.children[e.parent], e)
	}
}

// forget removes an entry.
func (s *Store) forget(e *entry) {
	if s.items[e.path] != e {
		return
	}
	delete(s.items, e.path)
	s.total -= e.size
	if e.alien {
		return
	}
	delete(s.index, name{e.kind, e.key})
	if e.kind != Block {
		return
	}
	if rest := slices.DeleteFunc(s.children[e.parent], func(x *entry) bool { return x == e }); len(rest) > 0 {
		s.children[e.parent] = rest
	} else {
		delete(s.children, e.parent)
	}
}

// remove deletes an entry's file and forgets it.
func (s *Store) remove(e *entry) {
	err := os.Remove(filepath.Join(s.cfg.Dir, e.path))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return // it still takes its space
	}
	s.mu.Lock()
	s.forget(e)
	s.mu.Unlock()
}

// halfLife is how much younger every use makes an entry, on a scale where the
// second use counts once, the fourth twice, and so on.
const halfLife = 6 * time.Hour

// age returns the moment that eviction takes an entry to be from.
func (e *entry) age() time.Time {
	return e.used.Add(time.Duration(math.Log2(float64(1+e.hits)) * float64(halfLife)))
}

// evict deletes files until need bytes more fit, with some room besides, so
// that it is not called for every file. Of blocks of one age the last go first:
// without its parents a block is of no use.
func (s *Store) evict(need int64) {
	s.mu.Lock()
	over := s.total+need > s.cfg.MaxBytes
	stale := time.Since(s.scanned) > time.Minute
	s.mu.Unlock()
	if over && stale { // other processes may have made room, or taken it
		_ = s.scan(false) // what was known stays known
	}
	s.mu.Lock()
	if s.total+need <= s.cfg.MaxBytes {
		s.mu.Unlock()
		return
	}
	all := make([]entry, 0, len(s.items))
	for _, e := range s.items {
		all = append(all, *e)
	}
	excess := s.total + need - s.cfg.MaxBytes + s.cfg.MaxBytes/32
	s.mu.Unlock()
	slices.SortFunc(all, func(a, b entry) int {
		return cmp.Or(a.age().Truncate(time.Minute).Compare(b.age().Truncate(time.Minute)), cmp.Compare(b.pos, a.pos), cmp.Compare(a.path, b.path))
	})
	for i := range all {
		if excess <= 0 {
			return
		}
		excess -= all[i].size
		s.mu.Lock()
		e := s.items[all[i].path]
		s.stats.Evicted++
		s.mu.Unlock()
		if e != nil {
			s.remove(e)
		}
	}
}
