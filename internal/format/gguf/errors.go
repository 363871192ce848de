package gguf

import "errors"

// The errors of this package wrap one of these, so that callers can tell what to
// advise. The text around them names the file, the key or tensor, and the numbers.
var (
	// ErrNotGGUF is returned when the file is something else; the message says what
	// it looks like and what to do.
	ErrNotGGUF = errors.New("not a GGUF file")
	// ErrTruncated is returned when the file ends before what its header promises.
	ErrTruncated = errors.New("truncated file")
	// ErrMalformed is returned when the file breaks a rule of the format.
	ErrMalformed = errors.New("malformed file")
	// ErrUnsupported is returned for valid files and tensor types that this
	// program cannot read: other versions, big-endian files, foreign types.
	ErrUnsupported = errors.New("unsupported file")
	// ErrMissingShard is returned when a part of a split file is not there.
	ErrMissingShard = errors.New("split file is incomplete")
	// ErrWrongType is returned when a metadata key holds a value of another kind
	// than the getter reads, or one out of its range.
	ErrWrongType = errors.New("wrong metadata type")
	// ErrClosed is returned when a File is used after Close.
	ErrClosed = errors.New("file is closed")
)
