// Package gguf reads and writes GGUF files, versions 2 and 3, whole or split
// into shards.
//
// A file is a header (metadata keys with typed values, then one info per
// tensor) and a data section that the infos point into:
//
//	u32 magic "GGUF", u32 version, u64 tensors, u64 keys
//	keys    x { string key, u32 type, value }
//	tensors x { string name, u32 dims, u64 ne[dims], u32 type, u64 offset }
//	padding to general.alignment, then the data; offsets count from here
//
// with string = u64 length and bytes, array = u32 type, u64 count and elements,
// everything little-endian. ne[0] is the length of a row, the dimension that is
// contiguous in memory.
//
// Open maps the file and checks all of it once: every length, range and name.
// What it keeps is an index of 12 bytes per key and tensor; values are decoded
// when they are asked for. So a file, however hostile its counts, costs less
// memory than it is long, and a wrong byte is an error and never a panic.
//
// The package knows no model: it does not say which keys or tensors there must
// be. Tensor bytes are views of the mapping and end with Close, which must come
// after the last use of them; everything decoded (strings, numbers) is a copy
// and stays. All methods of File but Close may be called concurrently.
package gguf
