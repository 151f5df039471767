"""What products become on an Arm processor: translated here, whatever this one is."""

import llvmlite.binding as llvm
import pytest
from llvmlite import ir

from cellwright.compiler.codegen.tiles import tile_of
from cellwright.compiler.runtime import jit
from cellwright.compiler.target import Target

TARGET = Target("generic", "+neon,+bf16,+dotprod", 16, 32)


@pytest.mark.parametrize(
    ("arithmetic", "unit", "instruction"),
    [("float32", "float32", "fmla"), ("bf16", "bfmmla", "bfmmla"), ("int8", "sdot", "sdot")],
)
def test_a_product_is_made_of_the_processors_instruction(arithmetic, unit, instruction):
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    module = ir.Module("product")
    tile_of(TARGET, "float32", arithmetic, unit).define_product(module).linkage = "external"
    machine = llvm.Target.from_triple("aarch64-unknown-linux-gnu").create_target_machine(
        cpu=TARGET.cpu, features=TARGET.features, opt=3
    )
    assert f"\t{instruction}\t" in machine.emit_assembly(jit._optimised(str(module), machine))
