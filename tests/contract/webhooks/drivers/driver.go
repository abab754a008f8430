// Puts deliveries to the documented receiver: a list of cases on stdin, a list of verdicts on stdout.
package main

import (
	"encoding/json"
	"net/http"
	"os"

	"check/receiver"
)

type delivery struct {
	Scheme, Secret string
	Headers        map[string]string
	Body           []byte
}

func main() {
	verify := map[string]func(string, http.Header, []byte) bool{
		"standard": receiver.VerifyStandard,
		"eggapi":   receiver.VerifyEggapi,
		"aigenway": receiver.VerifyAigenway,
	}
	var cases []delivery
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		panic(err)
	}
	verdicts := []bool{}
	for _, one := range cases {
		headers := http.Header{}
		for name, value := range one.Headers {
			headers.Set(name, value)
		}
		verdicts = append(verdicts, verify[one.Scheme](one.Secret, headers, one.Body))
	}
	if err := json.NewEncoder(os.Stdout).Encode(verdicts); err != nil {
		panic(err)
	}
}
