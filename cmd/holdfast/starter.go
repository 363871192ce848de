//go:build !nostarter

package main

import (
	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/starter"
)

// starterModel returns the model inside the program.
func starterModel() *app.Starter {
	return &app.Starter{
		Name: starter.Name, FullName: starter.FullName, File: starter.File, Licence: starter.Licence, Data: starter.Data,
	}
}
