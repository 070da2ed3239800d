"""The Trainer of Hugging Face with the monitor as a callback; the model is made here, nothing is downloaded.

Keeps what the Trainer writes in the directory trainer.
"""

import torch
import transformers

from stepscape.monitor.huggingface import HuggingFaceMonitor

transformers.utils.logging.set_verbosity_error()
transformers.set_seed(0)

# Rows of numbers that count upwards, modulo 12, from different starts and by different steps.
codes = (torch.arange(12)[:, None, None] + torch.arange(1, 5)[:, None] * torch.arange(8)) % 12
rows = [{"input_ids": row, "labels": row} for row in codes.reshape(-1, 8)]
batch = transformers.default_data_collator(rows)

config = transformers.GPT2Config(
    vocab_size=12, n_positions=8, n_embd=16, n_layer=2, n_head=2, bos_token_id=None, eos_token_id=None,
)  # fmt: skip
model = transformers.GPT2LMHeadModel(config)  # with its dropout, which is off while the monitor measures

callback = HuggingFaceMonitor(batch, every=9)
arguments = transformers.TrainingArguments(
    "trainer", max_steps=100, per_device_train_batch_size=24, learning_rate=0.01, optim="adamw_torch",
    lr_scheduler_type="constant", max_grad_norm=0.0, use_cpu=True, disable_tqdm=True, report_to=[],
    logging_strategy="no", save_strategy="no",
)  # fmt: skip
trainer = transformers.Trainer(model, arguments, train_dataset=rows, callbacks=[callback])
trainer.remove_callback(transformers.PrinterCallback)
trainer.train()

print("step  loss  edge ratio  status")
for row in callback.monitor.rows:
    print(f"{row.step:4d}  {row.loss:4.2f}  {row.edge_ratio:10.2f}  {row.status}")
print("\n".join(callback.monitor.story()))
