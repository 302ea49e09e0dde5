//! The machine that makes the load: processor, memory, limits, and whether it was held back.
//!
//! From files of Linux; elsewhere little is known, and left out.

use std::{fmt::Write as _, path::Path};

use bench_results::HostFacts;
use object::{
    Endianness,
    elf::{FileHeader64, NT_GNU_BUILD_ID},
    read::{
        ReadCache, ReadRef,
        elf::{FileHeader as _, ProgramHeader as _},
    },
};

use super::capped;

/// What is known of it.
pub fn host() -> HostFacts {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let memory = read("/proc/meminfo");
    let kib = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    let processors = read("/proc/cpuinfo");
    HostFacts {
        os: std::env::consts::OS.to_owned(),
        kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        arch: std::env::consts::ARCH.to_owned(),
        cpus: std::thread::available_parallelism().map_or(0, |n| u32::try_from(n.get()).unwrap_or(u32::MAX)),
        cpu_model: cpu_model(&processors),
        cores: cores(&processors),
        cpu_limit_millis: groups().iter().filter_map(|group| limit_millis(&group.join("cpu.max"))).min(),
        memory_bytes: kib.unwrap_or(0) * 1024,
    }
}

/// Values of a key of `/proc/cpuinfo`, one for each processor.
fn values<'t>(cpuinfo: &'t str, key: &'t str) -> impl Iterator<Item = &'t str> {
    let pairs = cpuinfo.lines().filter_map(|line| line.split_once(':'));
    pairs.filter(move |(name, _)| name.trim() == key).map(|(_, value)| value.trim())
}

/// `AMD EPYC 7B13`; on ARM, which names none, the part number.
fn cpu_model(cpuinfo: &str) -> String {
    let name = ["model name", "Model", "CPU part"].into_iter().find_map(|key| values(cpuinfo, key).next());
    capped(name.unwrap_or_default())
}

/// Cores without their threads; none where they are not told.
fn cores(cpuinfo: &str) -> Option<u32> {
    let cores = values(cpuinfo, "physical id").zip(values(cpuinfo, "core id"));
    let cores: std::collections::BTreeSet<_> = cores.collect();
    u32::try_from(cores.len()).ok().filter(|cores| *cores > 0)
}

/// Periods in which the control groups of this program were held back so far; `None` without such a count.
pub fn throttled_periods() -> Option<u64> {
    let counts = groups().into_iter().filter_map(|group| {
        let stat = std::fs::read_to_string(group.join("cpu.stat")).ok()?;
        stat.lines().find_map(|line| line.strip_prefix("nr_throttled ")?.trim().parse::<u64>().ok())
    });
    counts.reduce(u64::saturating_add)
}

/// Folders of the control groups that share out processors: the program's own and those around it.
fn groups() -> Vec<std::path::PathBuf> {
    let text = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let Some((mount, group)) = cpu_group(&text) else { return Vec::new() };
    let group = Path::new(group.trim_start_matches('/'));
    group.ancestors().map(|group| Path::new(mount).join(group)).collect()
}

/// Where the groups are mounted, and which one this is: version 1 where it has the processors, else 2.
fn cpu_group(text: &str) -> Option<(&str, &str)> {
    let groups = text.lines().filter_map(|line| {
        let (_, rest) = line.split_once(':')?;
        rest.split_once(':')
    });
    let of_version_1 =
        groups.clone().find(|(controllers, _)| controllers.split(',').any(|controller| controller == "cpu"));
    match of_version_1 {
        Some((_, group)) => Some(("/sys/fs/cgroup/cpu", group)),
        None => groups
            .into_iter()
            .find(|(controllers, _)| controllers.is_empty())
            .map(|(_, g)| ("/sys/fs/cgroup", g)),
    }
}

/// Thousandths of a processor, of `150000 100000` (µs in each so many µs); none for `max`.
fn limit_millis(file: &Path) -> Option<u32> {
    limit_of(&std::fs::read_to_string(file).ok()?)
}

fn limit_of(text: &str) -> Option<u32> {
    let (quota, period) = text.trim().split_once(' ')?;
    let (quota, period): (u64, u64) = (quota.parse().ok()?, period.parse().ok()?);
    u32::try_from(quota.checked_mul(1000)?.checked_div(period)?).ok()
}

/// `build-id:…` of the program: the linker's hash of all that it consists of. Empty when the linker wrote none.
///
/// Not a hash of the file, and read without its table of symbols: with what a debugger needs it has 160 MB, and
/// reading them would cost more than a load of thousands of requests.
pub fn own_digest() -> String {
    std::fs::File::open("/proc/self/exe")
        .ok()
        .and_then(|program| build_id(&ReadCache::new(program)))
        .unwrap_or_default()
}

fn build_id<'data>(program: impl ReadRef<'data>) -> Option<String> {
    let header = FileHeader64::<Endianness>::parse(program).ok()?;
    let endian = header.endian().ok()?;
    for segment in header.program_headers(endian, program).ok()? {
        let Ok(Some(mut notes)) = segment.notes(endian, program) else { continue };
        while let Ok(Some(note)) = notes.next() {
            if note.n_type(endian) == NT_GNU_BUILD_ID {
                return Some(shown(note.desc()));
            }
        }
    }
    None
}

fn shown(id: &[u8]) -> String {
    let mut text = String::from("build-id:");
    for byte in id {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_tells_its_build_id() {
        let digest = own_digest();
        let id = digest.strip_prefix("build-id:").expect("the linker wrote one");
        assert!(id.len() >= 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{digest}");
    }

    #[test]
    fn threads_of_one_core_are_one_core() {
        let processor = |core| format!("model name\t: Xeon\nphysical id\t: 0\ncore id\t\t: {core}\n\n");
        let text = processor(0) + &processor(0) + &processor(1);
        assert_eq!((cpu_model(&text).as_str(), cores(&text)), ("Xeon", Some(2)));
        assert_eq!((cpu_model("CPU part\t: 0xd0c\n").as_str(), cores("")), ("0xd0c", None));
    }

    #[test]
    fn the_group_that_shares_out_processors_is_found_in_both_versions() {
        assert_eq!(cpu_group("0::/a/b\n"), Some(("/sys/fs/cgroup", "/a/b")));
        assert_eq!(cpu_group("4:memory:/x\n2:cpu,cpuacct:/y\n0::/z\n"), Some(("/sys/fs/cgroup/cpu", "/y")));
        assert_eq!(cpu_group(""), None);
    }

    #[test]
    fn a_limit_is_told_in_thousandths_of_a_processor() {
        assert_eq!(limit_of("150000 100000\n"), Some(1500));
        for none in ["max 100000\n", "", "1 0\n", "-1 5"] {
            assert_eq!(limit_of(none), None, "{none}");
        }
    }
}
