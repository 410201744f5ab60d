// llama.cpp for eval/decoder.py, through the prebuilt binary of node-llama-cpp:
//
//     node eval/decoder_llama.mjs NODE_MODULES MODEL.gguf CONTEXT_TOKENS THREADS
//
// Each line of the input is JSON and is answered with a line of JSON, as crates/engine/examples/greedy.rs does it.
import path from "node:path";
import readline from "node:readline";
import {pathToFileURL} from "node:url";

const [modules, modelPath, contextSize, threads] = process.argv.slice(2);
const {getLlama} = await import(pathToFileURL(path.resolve(modules, "node-llama-cpp/dist/index.js")).href);
const llama = await getLlama({gpu: false, build: "never", skipDownload: true, logLevel: "error", maxThreads: Number(threads)});
const model = await llama.loadModel({modelPath, gpuLayers: 0});
const context = await model.createContext({contextSize: Number(contextSize), threads: Number(threads)});
const sequence = context.getSequence();
const greedy = {temperature: 0, yieldEogToken: true};

async function continueGreedily(prompt, maxTokens) {
    const tokens = [];
    const started = performance.now();
    let first = started;
    let ended = false;
    for await (const token of sequence.evaluate(prompt, greedy)) {
        if (first === started)
            first = performance.now();
        ended = model.isEogToken(token);
        if (ended)
            break;
        tokens.push(token);
        if (tokens.length >= maxTokens)
            break;
    }
    const last = performance.now();
    return {tokens, ended, prefill_seconds: (first - started) / 1000, decode_seconds: (last - first) / 1000};
}

async function score(prompt, candidates) {
    for await (const {probabilities} of sequence.evaluateWithMetadata(prompt, {probabilities: true}, greedy))
        return {scores: candidates.map((id) => Math.log(probabilities.get(id) ?? 0))};
}

for await (const line of readline.createInterface({input: process.stdin})) {
    const {prompt, max_tokens: maxTokens, candidates} = JSON.parse(line);
    await sequence.clearHistory();
    const answer = candidates ? await score(prompt, candidates) : await continueGreedily(prompt, maxTokens);
    console.log(JSON.stringify(answer));
}
process.exit(0);
