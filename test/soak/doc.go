// Package soak puts a server under mixed and unfriendly load: all dialects at once,
// clients that leave in the middle, requests that are wrong, processes that are
// killed. What must hold afterwards is that nothing is left behind: no goroutine, no
// cache block, no memory; and that the next start finds everything that was finished.
//
// HOLDFAST_SOAK is the number of requests of a long run, and HOLDFAST_SOAK_URL a
// server of its own to send them to.
package soak
