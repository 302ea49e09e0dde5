//! Parts of the tests that need what not every machine has.
//!
//! The names of their tests, or of the modules around them, say so. Where a part cannot run, `cargo test` leaves its tests
//! out by that name and counts them as filtered out, not as passed; why is said before and after.

use std::{collections::BTreeSet, fmt, process::Command};

use anyhow::{Context, bail, ensure};

use crate::setup::{self, NodeTier, say};

/// One part.
pub struct Tier {
    /// What it needs.
    needs: &'static str,
    /// In the path of each of its tests, and of no other.
    pub name: &'static str,
    /// Environment variable with `off` or `require`.
    variable: &'static str,
    prepare: fn() -> anyhow::Result<Prepared>,
}

/// What became of the preparation.
enum Prepared {
    Ready,
    /// The machine cannot have it.
    Lacks(String),
}

const TIERS: [Tier; 4] = [
    Tier { needs: "real nodes", name: "real_nodes", variable: "BENCH_REAL_NODES", prepare: real_nodes },
    Tier {
        needs: "a real Prometheus",
        name: "real_prometheus",
        variable: "BENCH_PROMETHEUS",
        prepare: prometheus,
    },
    Tier {
        needs: "a real OpenSearch",
        name: "real_opensearch",
        variable: "BENCH_OPENSEARCH",
        prepare: opensearch,
    },
    Tier { needs: "a real browser", name: "real_browser", variable: "BENCH_BROWSER", prepare: browser },
];

/// A part whose tests do not run.
pub struct LeftOut {
    /// Which.
    pub tier: &'static Tier,
    why: String,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NOT TESTED, for it needs {}: {}", self.tier.needs, self.why)
    }
}

/// Installs and builds what all parts need, and gives those that cannot run, each of them said.
///
/// # Errors
/// When something fails that this machine could do, or a part is required that cannot run.
pub fn prepare() -> anyhow::Result<Vec<LeftOut>> {
    let mut all = Vec::new();
    for tier in &TIERS {
        if let Some(why) = tier.prepare(std::env::var(tier.variable).ok().as_deref())? {
            let left_out = LeftOut { tier, why };
            say(&left_out.to_string());
            all.push(left_out);
        }
    }
    Ok(all)
}

impl Tier {
    /// Why it does not run, if it does not.
    fn prepare(&self, wish: Option<&str>) -> anyhow::Result<Option<String>> {
        let Self { needs, variable, .. } = self;
        ensure!(
            matches!(wish, None | Some("off" | "require")),
            "{variable} is `{}`: expected `off` or `require`",
            wish.unwrap_or_default()
        );
        if wish == Some("off") {
            return Ok(Some(format!("{variable}=off")));
        }
        let help = || format!("failed to prepare {needs}; `{variable}=off` leaves out what needs it");
        match (self.prepare)().with_context(help)? {
            Prepared::Ready => Ok(None),
            Prepared::Lacks(what) if wish.is_none() => Ok(Some(what)),
            Prepared::Lacks(what) => bail!("{variable}=require, and {needs} cannot be had: {what}"),
        }
    }
}

fn real_nodes() -> anyhow::Result<Prepared> {
    let missing = match setup::node_tier()? {
        NodeTier::Ready => {
            bench_lab::AddonBinaries::ensure(&bench_lab::default_cache()?)?;
            return Ok(Prepared::Ready);
        }
        NodeTier::Missing(missing) => missing,
    };
    // What could have been installed should have been.
    if missing.iter().all(|missing| missing.package().is_some()) {
        return NodeTier::Missing(missing).into_result().map(|()| Prepared::Ready);
    }
    let list: Vec<String> = missing.iter().map(ToString::to_string).collect();
    Ok(Prepared::Lacks(format!("this machine lacks {}", list.join(", "))))
}

/// Gets Debian's Prometheus into the cache if none is installed: unpacked only, because its package starts a service.
fn prometheus() -> anyhow::Result<Prepared> {
    let folder = bench_lab::default_cache()?.join(bench_lab::PROMETHEUS_UNPACKED);
    let fetch = "apt-get download prometheus && dpkg -x prometheus_*.deb .";
    // A new machine has no list of packages, and only root can get one.
    for script in [fetch, "apt-get update --quiet", fetch] {
        if bench_lab::prometheus_program().is_some() {
            return Ok(Prepared::Ready);
        }
        std::fs::create_dir_all(&folder)?;
        let mut shell = Command::new("sh");
        // What went wrong is seen in what is there afterwards.
        shell.current_dir(&folder).args(["-c", script]).stdout(std::io::stderr()).status()?;
    }
    Ok(match bench_lab::prometheus_program() {
        Some(_) => Prepared::Ready,
        None => Prepared::Lacks("no `prometheus` in PATH (Debian: `apt-get install prometheus`)".to_owned()),
    })
}

/// Gets an OpenSearch into the cache, of Maven Central.
fn opensearch() -> anyhow::Result<Prepared> {
    Ok(match bench_lab::OpenSearch::ensure(&bench_lab::default_cache()?) {
        Ok(_) => Prepared::Ready,
        Err(error) => Prepared::Lacks(format!("{:#}", anyhow::Error::new(error))),
    })
}

/// Installs a browser where that can be done: on Debian, as root.
fn browser() -> anyhow::Result<Prepared> {
    const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let is_there = || NAMES.into_iter().any(setup::has_program);
    if !is_there() && setup::is_root() && setup::has_program("apt-get") {
        setup::install(BTreeSet::from(["chromium"]));
    }
    Ok(if is_there() {
        Prepared::Ready
    } else {
        Prepared::Lacks("no Chromium in PATH (Debian: `apt-get install chromium`)".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tier(prepare: fn() -> anyhow::Result<Prepared>) -> Tier {
        Tier { needs: "a thing", name: "real_thing", variable: "BENCH_THING", prepare }
    }

    /// Why it is left out, or the error.
    #[track_caller]
    fn check(
        prepare: fn() -> anyhow::Result<Prepared>,
        wish: Option<&str>,
        expected: Result<Option<&str>, &str>,
    ) {
        let found = tier(prepare).prepare(wish).map_err(|error| format!("{error:#}"));
        assert_eq!(found, expected.map(|why| why.map(str::to_owned)).map_err(str::to_owned));
    }

    fn ready() -> anyhow::Result<Prepared> {
        Ok(Prepared::Ready)
    }

    fn lacks() -> anyhow::Result<Prepared> {
        Ok(Prepared::Lacks("no `thing`".to_owned()))
    }

    fn fails() -> anyhow::Result<Prepared> {
        bail!("disk full")
    }

    #[test]
    fn what_can_run_runs_unless_it_is_off() {
        check(ready, None, Ok(None));
        check(ready, Some("require"), Ok(None));
        check(ready, Some("off"), Ok(Some("BENCH_THING=off")));
    }

    #[test]
    fn what_the_machine_lacks_is_left_out_unless_it_is_required() {
        check(lacks, None, Ok(Some("no `thing`")));
        check(lacks, Some("off"), Ok(Some("BENCH_THING=off")));
        check(lacks, Some("require"), Err("BENCH_THING=require, and a thing cannot be had: no `thing`"));
    }

    #[test]
    fn what_should_run_and_cannot_is_an_error() {
        let error = "failed to prepare a thing; `BENCH_THING=off` leaves out what needs it: disk full";
        check(fails, None, Err(error));
        check(fails, Some("off"), Ok(Some("BENCH_THING=off")));
        check(ready, Some("on"), Err("BENCH_THING is `on`: expected `off` or `require`"));
    }
}
