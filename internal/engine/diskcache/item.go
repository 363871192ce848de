package diskcache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strconv"
	"strings"
)

// A Key names everything up to the end of a block; see kvcache.Key.
type Key [sha256.Size]byte

// Kind says what an item holds.
type Kind uint8

// The kinds of items.
const (
	Block Kind = iota + 1 // the cache entries of a block's positions
	State                 // the state of a sequence after a block's positions
	Note                  // whatever the owner wants to find again
)

// An Item is one file of a store.
type Item struct {
	Kind   Kind
	Key    Key     // of everything up to the end of Tokens
	Parent Key     // of everything before Tokens
	Pos    int     // the position of the first token
	Tokens []int32 // of the block; of a Note none
	Data   []byte
}

// errDamaged is what every reason not to believe a file is.
var errDamaged = errors.New("diskcache: damaged file")

// The header of a file, little-endian: magic, identity, parent, key [32] each,
// kind, pos, number of tokens uint32, length of the data uint64, CRC-32C of the
// data; then the tokens, and the CRC-32C of everything before.
const (
	magic      = "HFCACHE1"
	fixedBytes = len(magic) + 3*sha256.Size + 3*4 + 8 + 4
	maxTokens  = 1 << 16
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func headerBytes(tokens int) int { return fixedBytes + 4*tokens + 4 }

// appendHeader writes an item's header.
func appendHeader(b []byte, identity *Key, it *Item) []byte {
	from := len(b)
	b = append(b, magic...)
	b = append(b, identity[:]...)
	b = append(b, it.Parent[:]...)
	b = append(b, it.Key[:]...)
	b = binary.LittleEndian.AppendUint32(b, uint32(it.Kind))
	b = binary.LittleEndian.AppendUint32(b, uint32(it.Pos))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(it.Tokens)))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(it.Data)))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(it.Data, castagnoli))
	for _, t := range it.Tokens {
		b = binary.LittleEndian.AppendUint32(b, uint32(t))
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[from:], castagnoli))
}

// A header is what a file says about its data.
type header struct {
	item    Item // without data
	dataLen uint64
	dataCRC uint32
}

// readHeader reads and checks a header. Nothing in it is believed before its
// checksum is right, but the number of tokens, which is bounded.
func readHeader(r io.Reader, identity *Key) (*header, error) {
	b := make([]byte, fixedBytes, 1024)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, fmt.Errorf("%w: header: %w", errDamaged, err)
	}
	if string(b[:len(magic)]) != magic {
		return nil, fmt.Errorf("%w: it does not begin with %q", errDamaged, magic)
	}
	rest := b[len(magic):]
	if !bytes.Equal(rest[:sha256.Size], identity[:]) {
		return nil, fmt.Errorf("%w: it is of another model", errDamaged)
	}
	h := &header{}
	copy(h.item.Parent[:], rest[sha256.Size:])
	copy(h.item.Key[:], rest[2*sha256.Size:])
	rest = rest[3*sha256.Size:]
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(rest[4*i:]) }
	n := word(2)
	if n > maxTokens {
		return nil, fmt.Errorf("%w: %d tokens in a block", errDamaged, n)
	}
	h.item.Kind, h.item.Pos = Kind(word(0)), int(word(1))
	h.dataLen, h.dataCRC = binary.LittleEndian.Uint64(rest[12:]), word(5)
	b = slices.Grow(b, int(4*n+4))[:fixedBytes+int(4*n+4)]
	if _, err := io.ReadFull(r, b[fixedBytes:]); err != nil {
		return nil, fmt.Errorf("%w: tokens: %w", errDamaged, err)
	}
	end := len(b) - 4
	if crc32.Checksum(b[:end], castagnoli) != binary.LittleEndian.Uint32(b[end:]) {
		return nil, fmt.Errorf("%w: wrong checksum of the header", errDamaged)
	}
	h.item.Tokens = make([]int32, n)
	for i := range h.item.Tokens {
		h.item.Tokens[i] = int32(binary.LittleEndian.Uint32(b[fixedBytes+4*i:]))
	}
	return h, nil
}

// suffixes end the names of each kind of file.
var suffixes = [...]string{Block: ".kv", State: ".state", Note: ".note"}

const parentDigits = 16 // of the parent's key in a name

// fileName returns the name of an item: key, parent, place, number of tokens.
func fileName(it *Item) string {
	return fmt.Sprintf("%x-%x-%d-%d%s", it.Key[:], it.Parent[:parentDigits/2], it.Pos, len(it.Tokens), suffixes[it.Kind])
}

// parseName is the inverse of fileName; the parent is only its first bytes.
func parseName(name string) (e entry, ok bool) {
	for k := Block; k <= Note; k++ {
		if s, found := strings.CutSuffix(name, suffixes[k]); found {
			name, e.kind = s, k
			break
		}
	}
	f := strings.Split(name, "-")
	if e.kind == 0 || len(f) != 4 || len(f[0]) != 2*sha256.Size || len(f[1]) != parentDigits {
		return e, false
	}
	key, err1 := hex.DecodeString(f[0])
	parent, err2 := hex.DecodeString(f[1])
	pos, err3 := strconv.Atoi(f[2])
	n, err4 := strconv.Atoi(f[3])
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil || pos < 0 || n < 0 {
		return e, false
	}
	copy(e.key[:], key)
	copy(e.parent[:], parent)
	e.pos, e.n = pos, n
	return e, true
}
