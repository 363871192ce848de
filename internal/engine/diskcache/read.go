package diskcache

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Has reports whether an item is there, or will be when the queue is written.
func (s *Store) Has(kind Kind, key Key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.index[name{kind, key}] != nil || s.queued[name{kind, key}]
}

// Readable reports whether an item is there and can be read now.
func (s *Store) Readable(kind Kind, key Key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.index[name{kind, key}] != nil
}

// Touch counts an item as used now, as Read does.
func (s *Store) Touch(kind Kind, key Key) {
	s.mu.Lock()
	e := s.index[name{kind, key}]
	s.mu.Unlock()
	if e != nil {
		s.touch(e, 0)
	}
}

// touch notes the use of an entry; the file's time keeps it for later processes.
func (s *Store) touch(e *entry, hits int) {
	now := time.Now()
	s.mu.Lock()
	old := e.used
	e.used = now
	e.hits += hits
	s.mu.Unlock()
	if now.Sub(old) > time.Minute {
		_ = os.Chtimes(filepath.Join(s.cfg.Dir, e.path), now, now) // the order of eviction is no matter of life and death
	}
}

// Children returns the blocks right after parent, with their tokens: what a
// prompt may begin like without ending at a block's border. With states only
// those that have a state are looked at. Files that cannot be believed are dropped.
func (s *Store) Children(parent Key, states bool) []Item {
	s.mu.Lock()
	list := slices.Clone(s.children[[parentDigits / 2]byte(parent[:parentDigits/2])])
	if states {
		list = slices.DeleteFunc(list, func(e *entry) bool { return s.index[name{State, e.key}] == nil })
	}
	s.mu.Unlock()
	if len(list) == 0 {
		return nil
	}
	const most = 64 // of one parent; more are not worth the time
	slices.SortFunc(list, func(a, b *entry) int { return b.used.Compare(a.used) })
	var out []Item
	for _, e := range list[:min(len(list), most)] {
		f, err := os.Open(filepath.Join(s.cfg.Dir, e.path))
		if err != nil {
			s.gone(e, err)
			continue
		}
		h, err := readHeader(f, &s.identity)
		_ = f.Close() // it was only read
		if err != nil || h.item.Kind != e.kind || h.item.Key != e.key {
			s.damaged(e)
			continue
		}
		if h.item.Parent == parent {
			out = append(out, h.item)
		}
	}
	return out
}

// ErrMiss says that an item is not there, or not to be believed.
var ErrMiss = errors.New("diskcache: not in the cache")

// Read fills dst with the data of an item, which must be as long and must have
// been stored with the same parent and tokens. Any other outcome is ErrMiss, and
// dst then holds anything.
func (s *Store) Read(it *Item, dst []byte) error {
	return s.read(it, func(f io.Reader, h *header) error {
		if h.dataLen != uint64(len(dst)) || h.item.Parent != it.Parent || h.item.Pos != it.Pos || !slices.Equal(h.item.Tokens, it.Tokens) {
			return fmt.Errorf("%w: it holds something else", errDamaged)
		}
		if _, err := io.ReadFull(f, dst); err != nil {
			return fmt.Errorf("%w: data: %w", errDamaged, err)
		}
		if crc32.Checksum(dst, castagnoli) != h.dataCRC {
			return fmt.Errorf("%w: wrong checksum of the data", errDamaged)
		}
		return nil
	})
}

// Note returns the data of a note, at most limit bytes.
func (s *Store) Note(key Key, limit int) ([]byte, error) {
	var data []byte
	err := s.read(&Item{Kind: Note, Key: key}, func(f io.Reader, h *header) error {
		if h.dataLen > uint64(limit) {
			return fmt.Errorf("%w: a note of %d bytes", errDamaged, h.dataLen)
		}
		data = make([]byte, h.dataLen)
		if _, err := io.ReadFull(f, data); err != nil {
			return fmt.Errorf("%w: data: %w", errDamaged, err)
		}
		if crc32.Checksum(data, castagnoli) != h.dataCRC {
			return fmt.Errorf("%w: wrong checksum of the data", errDamaged)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return data, nil
}

func (s *Store) read(it *Item, take func(io.Reader, *header) error) error {
	s.mu.Lock()
	e := s.index[name{it.Kind, it.Key}]
	s.mu.Unlock()
	if e == nil {
		return ErrMiss
	}
	f, err := os.Open(filepath.Join(s.cfg.Dir, e.path))
	if err != nil {
		s.gone(e, err)
		return fmt.Errorf("%w: %w", ErrMiss, err)
	}
	defer func() { _ = f.Close() }() // it was only read
	h, err := readHeader(f, &s.identity)
	if err == nil && (h.item.Kind != it.Kind || h.item.Key != it.Key) {
		err = fmt.Errorf("%w: its name is another's", errDamaged)
	}
	if err == nil {
		err = take(f, h)
	}
	if err != nil {
		s.damaged(e)
		return fmt.Errorf("%w: %w", ErrMiss, err)
	}
	s.touch(e, 1)
	s.mu.Lock()
	s.stats.Read++
	s.stats.ReadBytes += h.dataLen
	s.mu.Unlock()
	return nil
}

// gone forgets a file that is not there any more.
func (s *Store) gone(e *entry, err error) {
	if errors.Is(err, fs.ErrNotExist) {
		s.mu.Lock()
		s.forget(e)
		s.mu.Unlock()
	}
}

// damaged deletes a file that cannot be believed.
func (s *Store) damaged(e *entry) {
	s.mu.Lock()
	s.stats.Damaged++
	s.mu.Unlock()
	s.remove(e)
}
