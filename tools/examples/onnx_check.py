"""An exported classifier in onnxruntime, beside ebm-train's own answers.

    ebm-train export model-f32.ebm --out model.onnx
    ebm-train data convert digits --out digits.npz
    ebm-train eval model-f32.ebm --data digits --answers answers.npz
    python3 tools/examples/onnx_check.py model.onnx digits.npz answers.npz

The graph takes raw samples: scaling and threshold are in it.
"""

import json
import sys

import numpy as np
import onnxruntime

if len(sys.argv) != 4:
    sys.exit(__doc__)
model = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
samples, answers = np.load(sys.argv[2]), np.load(sys.argv[3])
raw = samples["x_test" if "x_test" in samples else "x_train"]
names = [output.name for output in model.get_outputs()]
outputs = dict(zip(names, model.run(None, {"input": raw.reshape(len(raw), -1).astype(np.float32)})))
metadata = model.get_modelmeta().custom_metadata_map
print(json.dumps(metadata, ensure_ascii=False))

worst = 0.0
if "label" in outputs:
    accuracy = (outputs["label"] == answers["true_label"]).mean()
    changed = (outputs["label"] != answers["label"]).sum()
    worst = np.abs(outputs["probabilities"] - answers["probabilities"]).max()
    print(f"accuracy {accuracy:.4f}; {changed} of {len(raw)} answers are others; probabilities differ by {worst:.1e} at most")
if "free_energy" in outputs:
    # Of a nat where one is smaller than that.
    size = np.maximum(1, np.abs(answers["free_energy"]))
    relative = (np.abs(outputs["free_energy"] - answers["free_energy"]) / size).max()
    worst = max(worst, relative)
    print(f"free energies differ by {relative:.1e} of themselves at most")
    if "novelty_threshold_nats" in metadata:
        novel = (outputs["free_energy"] > float(metadata["novelty_threshold_nats"])).mean()
        print(f"{novel:.4f} of the samples count as novel")
sys.exit(not worst <= 1e-5)
