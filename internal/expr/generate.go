package expr

//go:generate go test . -run TestReferencePage -rewrite
