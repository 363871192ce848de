package gguf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// shardName matches the names of shards; numbers count from 1.
var shardName = regexp.MustCompile(`^(.*)-(\d{5})-of-(\d{5})\.gguf$`)

// openSiblings returns all shards of the model that first is a part of, in order:
// just first if it is a whole model. It closes first if it fails.
func openSiblings(first *shard) ([]*shard, error) {
	no, count, err := first.split()
	if err != nil || count <= 1 {
		if err != nil {
			return nil, errors.Join(err, first.close())
		}
		return []*shard{first}, nil
	}
	shards, err := openAll(first, no, count)
	if err == nil {
		err = checkSplit(shards)
	}
	if err != nil {
		errs := []error{err}
		for _, s := range append(shards, first) {
			if s != nil {
				errs = append(errs, s.close()) // closing first twice does nothing
			}
		}
		return nil, errors.Join(errs...)
	}
	return shards, nil
}

// split returns the shard's number, from 0, and how many shards there are.
func (s *shard) split() (no, count uint64, err error) {
	count, ok, err := s.uint("split.count")
	if err != nil || !ok {
		return 0, 0, err
	}
	no, _, err = s.uint("split.no")
	if err != nil {
		return 0, 0, err
	}
	if count > 0 && no >= count {
		return 0, 0, fmt.Errorf("%w: split.no is %d of split.count %d, expected less", ErrMalformed, no, count)
	}
	return no, count, nil
}

// openAll opens the other shards by their names.
func openAll(first *shard, no, count uint64) ([]*shard, error) {
	m := shardName.FindStringSubmatch(filepath.Base(first.path))
	if m == nil {
		return nil, fmt.Errorf("%w: this is shard %d of %d, and the others are found by name; give all of them back their names, which end in -00001-of-%05d.gguf and so on", ErrMissingShard, no+1, count, count)
	}
	nameNo, _ := strconv.ParseUint(m[2], 10, 32) // five digits
	nameCount, _ := strconv.ParseUint(m[3], 10, 32)
	if nameNo != no+1 || nameCount != count {
		return nil, fmt.Errorf("%w: the file is named shard %d of %d, but says inside that it is shard %d of %d", ErrMalformed, nameNo, nameCount, no+1, count)
	}
	paths, err := shardPaths(filepath.Join(filepath.Dir(first.path), m[1]), int(count))
	if err != nil {
		return nil, err
	}
	shards := make([]*shard, len(paths))
	for i, path := range paths {
		if uint64(i) == no {
			shards[i] = first
			for j := range first.infos { // it was opened as shard 0
				first.infos[j] = makeRef(i, first.infos[j].at())
			}
			continue
		}
		if shards[i], err = openShard(path, i); err != nil {
			return shards, fmt.Errorf("shard %d of %d, %s: %w", i+1, count, filepath.Base(path), err)
		}
	}
	return shards, nil
}

// shardPaths returns the paths of all shards, or an error that names those that
// are not there.
func shardPaths(prefix string, count int) ([]string, error) {
	paths := make([]string, count) // at most 99999, as the name has five digits
	var missing []string
	for i := range paths {
		paths[i] = fmt.Sprintf("%s-%05d-of-%05d.gguf", prefix, i+1, count)
		if _, err := os.Stat(paths[i]); errors.Is(err, os.ErrNotExist) {
			missing = append(missing, filepath.Base(paths[i]))
		}
	}
	if n := len(missing); n > 0 {
		if n > 3 {
			missing = append(missing[:3], fmt.Sprintf("and %d more", n-3))
		}
		return nil, fmt.Errorf("%w: %d of %d shards are missing in %s: %s; download them into the same folder", ErrMissingShard, n, count, filepath.Dir(prefix), strings.Join(missing, ", "))
	}
	return paths, nil
}

// checkSplit makes sure that the shards say of themselves what their names say,
// and that together they have as many tensors as promised.
func checkSplit(shards []*shard) error {
	total := uint64(0)
	for i, s := range shards {
		no, count, err := s.split()
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(s.path), err)
		}
		if no != uint64(i) || count != uint64(len(shards)) {
			return fmt.Errorf("%w: %s says inside that it is shard %d of %d, expected %d of %d", ErrMalformed, filepath.Base(s.path), no+1, count, i+1, len(shards))
		}
		total += uint64(len(s.infos))
	}
	for _, s := range shards {
		want, ok, err := s.uint("split.tensors.count")
		if err == nil && ok && want != total {
			err = fmt.Errorf("%w: split.tensors.count is %d, the shards have %d tensors", ErrMalformed, want, total)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(s.path), err)
		}
	}
	return nil
}
