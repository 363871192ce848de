// Package diskcache keeps cache blocks on disk, so that a prompt that was read
// once is not computed again after a restart. It knows keys, tokens and bytes,
// not what is inside of them.
//
// A store is a folder of files. An [Item] is one file: a block of positions, the
// state of a sequence after a block, or a note of the owner's. The name holds
// the key, the parent's key and the place, so that opening a store reads no
// file; the header repeats them, with the tokens and checksums. Keys are those of
// package kvcache: everything up to the block's end goes into them, the
// namespace included. What made the bytes (file, architecture, element type,
// layout) is the store's identity: a folder of its own below the store's.
//
// Files are written under another name and renamed, so a reader sees all of a
// file or none. Nothing is synced: after a crash of the program the system
// still writes what it was given, and after one of the machine the checksums
// find what did not arrive. A damaged file is deleted and counts as a miss.
//
// One goroutine writes; its queue is bounded, and [Store.Put] refuses what does
// not fit. When the folder holds more than its limit, the files that were least
// recently used go, where every use counts as half a life of youth. Several
// processes may share a folder.
//
// No error here ever fails a request: a disk that is full or gone switches
// writing off, with one warning.
package diskcache
