module github.com/holdfast-llm/holdfast/starter

go 1.26.0
