"""What people's shells set. `python -m tests.environments` builds the smoke study under each and compares the bytes."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.results.workshop import copy_source, outputs

# `{folder}` holds the files of FILES; nothing can be written in `{nowhere}`.
ENVIRONMENTS = {
    "JAX on a GPU": {"JAX_PLATFORMS": "cuda", "CUDA_VISIBLE_DEVICES": "0"},
    "JAX on a platform that there is not": {"JAX_PLATFORM_NAME": "tpu"},
    "JAX in double precision": {"JAX_ENABLE_X64": "1"},
    "JAX in low precision": {"JAX_DEFAULT_MATMUL_PRECISION": "bfloat16"},
    "JAX stops at NaN": {"JAX_DEBUG_NANS": "1", "JAX_DEBUG_INFS": "1"},
    "JAX compiles nothing": {"JAX_DISABLE_JIT": "1"},
    "JAX refuses other ranks": {"JAX_NUMPY_RANK_PROMOTION": "raise", "JAX_NUMPY_DTYPE_PROMOTION": "strict"},
    "JAX with another generator": {"JAX_DEFAULT_PRNG_IMPL": "rbg", "JAX_THREEFRY_PARTITIONABLE": "0"},
    "JAX with a cache": {"JAX_COMPILATION_CACHE_DIR": "{nowhere}/jax"},
    "JAX with a wrong word": {"JAX_ENABLE_X64": "perhaps"},
    "XLA with an unknown flag": {"XLA_FLAGS": "--xla_no_such_flag=1"},
    "XLA with fast mathematics": {"XLA_FLAGS": "--xla_cpu_enable_fast_math=true --xla_cpu_max_isa=SSE4_2"},
    "XLA with many devices": {"XLA_FLAGS": "--xla_force_host_platform_device_count=8", "NPROC": "7"},
    "Matplotlib in a notebook": {"MPLBACKEND": "module://matplotlib_inline.backend_inline"},
    "Matplotlib on a screen": {"MPLBACKEND": "TkAgg", "DISPLAY": ":99"},
    "Matplotlib with settings": {"MATPLOTLIBRC": "{folder}/matplotlibrc", "MPLCONFIGDIR": "{folder}"},
    "another date": {"SOURCE_DATE_EPOCH": "1"},
    "another time zone": {"TZ": "Asia/Kathmandu"},
    "another language": {"LC_ALL": "tr_TR.UTF-8", "LANG": "C", "LANGUAGE": "tr"},
    "no language": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
    "Python without assertions": {"PYTHONOPTIMIZE": "2"},
    "Python with other hashes": {"PYTHONHASHSEED": "4711"},
    "Python with a start file": {"PYTHONSTARTUP": "{folder}/fails.py"},
    "Python with modules of our names": {"PYTHONPATH": "{folder}/modules"},
    "NumPy without vectors": {"NPY_DISABLE_CPU_FEATURES": "AVX512F AVX2", "NPY_PROMOTION_STATE": "legacy"},
    "BLAS with many threads": {"OPENBLAS_NUM_THREADS": "64", "OMP_NUM_THREADS": "64", "OMP_SCHEDULE": "dynamic"},
    "the C library without vectors": {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F"},
    "Bash with a start file": {"BASH_ENV": "{folder}/fails.sh", "ENV": "{folder}/fails.sh"},
    "Bash with options and functions": {"SHELLOPTS": "noglob", "BASH_FUNC_python%%": "() { exit 3; }"},
    "a home that cannot be written": dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"), "{nowhere}"),
}  # fmt: skip
FILES = {
    "matplotlibrc": "font.size: 30\nsavefig.dpi: 30\nsvg.fonttype: none\n",
    "fails.py": "raise SystemExit(3)\n",
    "fails.sh": "exit 3\n",
    "modules/minetest_interp/__init__.py": "raise SystemExit(3)\n",
    "modules/style.py": "raise SystemExit(3)\n",
}


def variables(name: str, folder: Path) -> dict[str, str]:
    """Of an environment; writes into `folder` the files that it names."""
    for path, text in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    nowhere = folder / "matplotlibrc/nowhere"  # a file is no folder, for root neither
    return {
        key: value.replace("{folder}", str(folder)).replace("{nowhere}", str(nowhere))
        for key, value in ENVIRONMENTS[name].items()
    }


def build(tree: Path, given: dict[str, str]) -> dict[str, str] | str:
    """Path to SHA-256 of what the smoke study comes to under these variables; why there is nothing, if it fails."""
    for place in ("results", "figures/smoke", "report/smoke", ".snakemake"):
        shutil.rmtree(tree / place, ignore_errors=True)
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--quiet", "all", "--config", "study=smoke"]
    done = subprocess.run(command, cwd=tree, env=os.environ | given, capture_output=True, text=True)
    if done.returncode:
        return (done.stdout + done.stderr).strip()[-2000:]
    return outputs(tree, "smoke")


def main(names: list[str]) -> int:
    """Builds under the named environments, all if none is named; 1 if one of them changes a byte."""
    failed = []
    with tempfile.TemporaryDirectory() as temporary:
        tree, folder = Path(temporary, "tree"), Path(temporary, "files")
        copy_source(tree)
        plain = build(tree, {})
        if isinstance(plain, str):
            print(f"The build under this shell's own variables fails:\n{plain}")
            return 1
        print(f"{len(plain)} files without any of the variables.", flush=True)
        for name in names or ENVIRONMENTS:
            made = build(tree, variables(name, folder))
            if isinstance(made, str):
                said = f"FAILS:\n{made}"
            else:
                other = [path for path in plain.keys() | made.keys() if plain.get(path) != made.get(path)]
                said = f"OTHER BYTES: {', '.join(sorted(other))}" if other else "the same bytes"
            print(f"{name}: {said}", flush=True)
            failed += [name] if said != "the same bytes" else []
    print(f"{len(failed)} of {len(names or ENVIRONMENTS)} environments change the build: {failed}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
