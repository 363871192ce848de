// Package decode reads requests strictly: nothing that a client sends is
// silently ignored. A body is checked for its length, its depth, and for keys
// that come twice (which two parsers may understand in two ways), then for
// fields that nobody documents, then decoded. Errors name the field.
package decode
