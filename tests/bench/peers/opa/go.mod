module waterrijk.example/decide

go 1.25

require github.com/open-policy-agent/opa v1.22.3
