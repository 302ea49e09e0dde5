package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
)

// firewall loads rules into the kernel and remembers which sets it made.
type firewall struct {
	sets map[string]bool
}

func (f *firewall) load(r *rules) error {
	if err := f.createSets(r); err != nil {
		return err
	}
	var text strings.Builder
	text.WriteString("*filter\n:LABNP - [0:0]\n")
	for _, chain := range r.chains {
		fmt.Fprintf(&text, ":%s - [0:0]\n", chain)
	}
	text.WriteString(strings.Join(r.lines, "\n") + "\nCOMMIT\n")
	if err := execute(text.String(), "iptables-restore", "-w", "5", "--noflush"); err != nil {
		return err
	}
	// First in FORWARD, before kube-proxy accepts what it has marked.
	if execute("", "iptables", "-w", "5", "-C", "FORWARD", "-j", "LABNP") != nil {
		if err := execute("", "iptables", "-w", "5", "-I", "FORWARD", "-j", "LABNP"); err != nil {
			return err
		}
	}
	for name := range f.sets {
		if _, used := r.sets[name]; !used {
			// A set that is still used by a chain of a pod that is gone stays: it is in nobody's way.
			_ = execute("", "ipset", "destroy", name)
		}
	}
	f.sets = map[string]bool{}
	for name := range r.sets {
		f.sets[name] = true
	}
	return nil
}

func (f *firewall) createSets(r *rules) error {
	var text strings.Builder
	for name, elements := range r.sets {
		if f.sets[name] {
			continue
		}
		fmt.Fprintf(&text, "create %s hash:net -exist\n", name)
		for _, element := range elements {
			// ipset has no network of all addresses.
			if element == "0.0.0.0/0" {
				fmt.Fprintf(&text, "add %s 0.0.0.0/1 -exist\nadd %s 128.0.0.0/1 -exist\n", name, name)
				continue
			}
			fmt.Fprintf(&text, "add %s %s -exist\n", name, element)
		}
	}
	if text.Len() == 0 {
		return nil
	}
	return execute(text.String(), "ipset", "restore")
}

func execute(input string, arguments ...string) error {
	command := exec.Command(arguments[0], arguments[1:]...)
	command.Stdin = strings.NewReader(input)
	var errors bytes.Buffer
	command.Stderr = &errors
	if err := command.Run(); err != nil {
		return fmt.Errorf("%v: %w: %s\n%s", arguments, err, errors.String(), input)
	}
	return nil
}
