// labregistry serves images to the nodes of a lab: upstream's registry (distribution), its blobs below a folder, on two
// addresses. What the second one sends is slowed down, so that tests can see how long a pull takes.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
)

const usage = "labregistry FOLDER ADDRESS SLOW-ADDRESS BYTES-PER-SECOND"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "labregistry:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 4 {
		return fmt.Errorf("not understood: %q\n%s", arguments, usage)
	}
	perSecond, err := strconv.ParseUint(arguments[3], 10, 32)
	if err != nil || perSecond == 0 {
		return fmt.Errorf("no number of bytes above 0: %q\n%s", arguments[3], usage)
	}
	config := &configuration.Configuration{
		Storage: configuration.Storage{"filesystem": {"rootdirectory": arguments[0]}},
	}
	config.Log.Level = "warn"
	app := handlers.NewApp(context.Background(), config)
	quick, err := net.Listen("tcp", arguments[1])
	if err != nil {
		return err
	}
	slow, err := net.Listen("tcp", arguments[2])
	if err != nil {
		return err
	}
	ended := make(chan error)
	go func() { ended <- http.Serve(quick, app) }()
	go func() { ended <- http.Serve(&slowListener{Listener: slow, line: &line{perSecond: perSecond}}, app) }()
	return <-ended
}
