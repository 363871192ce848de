//go:build nostarter

package main

import "github.com/holdfast-llm/holdfast/internal/app"

// starterModel returns nil: this program has no model inside.
func starterModel() *app.Starter { return nil }
