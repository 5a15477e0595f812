//! anonlink-client's `find-similarity`: from CLKs of two or more parties to groups of records that are one person. Needs the
//! feature `anonlink`.

use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::*;
use pprl::anonlink::blocks::{Blocks, block_numbers};
use pprl::anonlink::{
    Clks, ClksAndBlocks, find_candidate_pairs, number_blocks, probabilistic_greedy_solve, write_groups,
    write_similarity_scores,
};
use pprl::linkage::{Measure, Ratio};

#[path = "support/command.rs"]
mod command;

use command::{Outcome, required, say};

const HELP: &str = "\
Finds the groups of records that are one person in the CLKs of two or more parties, as anonlink does.

  anonlink_compat --threshold SHARE --clk A.json --clk B.json [--clk C.json ...] --out GROUPS.json

  --threshold SHARE  pairs at least as alike are candidates: a Dice coefficient from 0 to 1 with at most nine decimals
  --clk FILE         the CLKs of a party, {\"clks\": [...]}; two or more, in the order of the parties
  --blocks FILE      the blocks of each party, in the same order: only records with a block in common are compared
  --clknblocks FILE  the same with the names of blocks, {\"clknblocks\": [...]}, instead of --clk, for all parties: only
                     records with a block in common are compared
  --out FILE         the groups: [[[0, 1], [1, 5]], ...], each record as its party and row, both from 0
  --k N              only the N best candidates of each record
  --smc              the simple matching coefficient instead of Dice
  --merge-threshold SHARE
                     groups become one when so many of the pairs between them are candidates; 1 (all) if nothing is said
  --candidates FILE  keep the candidate pairs, in anonlink's binary form
  --scores FILE      keep them with their scores as JSON: {\"similarity_scores\": [[[0, 1], [1, 5], 0.9], ...]}

CLKs are easily traced back to people: keep the files as you would keep names.
";

fn main() -> ExitCode {
    command::exit(run())
}

fn run() -> Outcome {
    let (mut threshold, mut out) = (None, None::<PathBuf>);
    let (mut files, mut files_with_blocks) = (Vec::<PathBuf>::new(), Vec::<PathBuf>::new());
    let mut block_files = Vec::<PathBuf>::new();
    let (mut k, mut measure, mut merge) = (None, Measure::Dice, ratio("1")?);
    let (mut candidates, mut scores) = (None::<PathBuf>, None::<PathBuf>);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("threshold") => threshold = Some(ratio(&parser.value()?.string()?)?),
            Long("clk") => files.push(parser.value()?.into()),
            Long("blocks") => block_files.push(parser.value()?.into()),
            Long("clknblocks") => files_with_blocks.push(parser.value()?.into()),
            Long("out") => out = Some(parser.value()?.into()),
            Long("k") => k = Some(parser.value()?.parse()?),
            Long("smc") => measure = Measure::Hamming,
            Long("merge-threshold") => merge = ratio(&parser.value()?.string()?)?,
            Long("candidates") => candidates = Some(parser.value()?.into()),
            Long("scores") => scores = Some(parser.value()?.into()),
            Short('h') | Long("help") => return say(HELP),
            _ => return Err(argument.unexpected().into()),
        }
    }
    let threshold = required(threshold, "--threshold")?;
    let out = required(out, "--out")?;
    if files.len().max(files_with_blocks.len()) < 2 {
        return Err(lexopt::Error::from("two or more files of CLKs are compared: --clk A.json --clk B.json").into());
    }
    if !files.is_empty() && !files_with_blocks.is_empty() {
        return Err(lexopt::Error::from("all files are with blocks, or none: --clk or --clknblocks").into());
    }
    if !block_files.is_empty() && block_files.len() != files.len() {
        return Err(lexopt::Error::from("--blocks is given as often as --clk, or not at all").into());
    }

    let mut clks = files.iter().map(Clks::read).collect::<pprl::Result<Vec<_>>>()?;
    let mut blocks = None;
    if !files_with_blocks.is_empty() {
        let both = files_with_blocks.iter().map(ClksAndBlocks::read).collect::<pprl::Result<Vec<_>>>()?;
        let names: Vec<&[Vec<String>]> = both.iter().map(|both| both.blocks.as_slice()).collect();
        blocks = Some(number_blocks(&names)?);
        clks = both.into_iter().map(|both| both.clks).collect();
    }
    if !block_files.is_empty() {
        let read = block_files.iter().map(Blocks::read).collect::<pprl::Result<Vec<_>>>()?;
        let rows: Vec<usize> = clks.iter().map(Clks::rows).collect();
        blocks = Some(block_numbers(&read.iter().collect::<Vec<_>>(), &rows)?);
    }
    let all: Vec<&Clks> = clks.iter().collect();
    let pairs = find_candidate_pairs(&all, measure, threshold, k, blocks.as_deref())?;
    let groups = probabilistic_greedy_solve(&pairs, merge, true);
    if let Some(file) = candidates {
        pairs.write(file)?;
    }
    if let Some(file) = scores {
        write_similarity_scores(&pairs, file)?;
    }
    write_groups(&groups, &out)?;
    let rows: usize = clks.iter().map(Clks::rows).sum();
    say(&format!("{} parties, {rows} CLKs: {} candidate pairs, {} groups.\n", clks.len(), pairs.len(), groups.len()))
}

/// A number on the command line; another is a mistake there.
fn ratio(text: &str) -> Result<Ratio, lexopt::Error> {
    text.parse().map_err(|error: pprl::Error| lexopt::Error::from(error.to_string()))
}
