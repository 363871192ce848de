// Package store keeps who may use a server, how much, and what they used: API
// keys, limits, usage and an audit log, in one SQLite file.
package store

import (
	_ "github.com/ncruces/go-sqlite3/driver" // the driver "sqlite3"
)
