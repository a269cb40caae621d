// Decisions of OPA as a library, on prepared queries. Reads {"data", "modules": [rego], "requests": [{"agreement", "input"}], "rounds"};
// prints {"ns": [...], "permits": [...]}, the first by round and request, the second by request.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

type question struct {
	Agreement int            `json:"agreement"`
	Input     map[string]any `json:"input"`
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func main() {
	var asked struct {
		Data     map[string]any `json:"data"`
		Modules  []string       `json:"modules"`
		Requests []question     `json:"requests"`
		Rounds   int            `json:"rounds"`
	}
	bytes := must(os.ReadFile(os.Args[1]))
	must(0, json.Unmarshal(bytes, &asked))
	ctx := context.Background()
	store := inmem.NewFromObjectWithOpts(asked.Data, inmem.OptReturnASTValuesOnRead(true))
	prepared := make([]rego.PreparedEvalQuery, len(asked.Modules))
	for i, module := range asked.Modules {
		query := fmt.Sprintf("data.agreement%d.allow", i)
		prepared[i] = must(rego.New(rego.Query(query), rego.Module(fmt.Sprintf("%d.rego", i), module), rego.Store(store)).PrepareForEval(ctx))
	}
	inputs := make([]ast.Value, len(asked.Requests))
	for i, one := range asked.Requests {
		inputs[i] = must(ast.InterfaceToValue(one.Input))
	}
	took := []int64{}
	permits := make([]bool, len(asked.Requests))
	for round := 0; round < asked.Rounds; round++ {
		for i, one := range asked.Requests {
			begin := time.Now()
			result := must(prepared[one.Agreement].Eval(ctx, rego.EvalParsedInput(inputs[i])))
			ns := time.Since(begin).Nanoseconds()
			permits[i] = result.Allowed()
			if round > 0 {
				took = append(took, ns)
			}
		}
	}
	must(0, json.NewEncoder(os.Stdout).Encode(map[string]any{"ns": took, "permits": permits}))
}
