import { Command } from "commander";
import { expect, test } from "vitest";
import { readArgs } from "./read-args.ts";

const program = new Command("p").option("--tls").option("--no-tls").option("-p, --password <text>");
program.command("rm").option("-f, --force").option("-q, --queue <name>");

test.for<[given: string, read: string]>([
  ["--tls=true rm", "--tls rm"],
  ["--tls=1 --tls=T", "--tls --tls"],
  ["--tls=false rm", "--no-tls rm"],
  ["rm --force=false a", "rm a"],
  ["rm -f=true a", "rm -f a"],
  ["rm -q=mail -p=a=b", "rm -q mail -p a=b"],
  ["rm --queue=mail", "rm --queue=mail"],
  ["rm -q -f=true", "rm -q -f=true"],
  ["rm -- -f=true --tls=false", "rm -- -f=true --tls=false"],
  ["rm --other=true -x=1 --tls=maybe", "rm --other=true -x=1 --tls=maybe"],
])("readArgs reads %j as Go does", ([given, read]) => {
  expect(readArgs(given.split(" "), program)).toEqual(read.split(" "));
});
