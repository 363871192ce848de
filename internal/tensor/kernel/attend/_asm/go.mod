module github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend/_asm

go 1.26.0
